import Numeric.Natural
import Timed

safe :: Natural -> Natural -> [Natural] -> Bool
safe _ _ [] = True
safe col dist (other : rest)
  | col == other = False
  | col == other + dist = False
  | other == col + dist = False
  | otherwise = safe col (dist + 1) rest

columns :: [Natural]
columns = [1 .. 10]

queens :: Natural -> [[Natural]]
queens 0 = [[]]
queens n = [col : placed | placed <- queens (n - 1), col <- columns, safe col 1 placed]

main :: IO ()
main = timed (length (queens 10))
