main :: IO ()
main = print (0 :: Int)
