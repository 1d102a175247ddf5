import Timed

main :: IO ()
main = timed (0 :: Int)
