import Data.Bits
import Data.List (foldl')
import Numeric.Natural
import Timed

subset :: Natural -> Natural -> Bool
subset a b = a == a .&. b

atMost :: (Natural, Natural) -> (Natural, Natural) -> Bool
atMost (a, b) (c, d) = a <= c && b <= d

product' :: Natural -> Natural -> [(Natural, Natural)]
product' n m = [(i, j) | i <- [0 .. n - 1], j <- [0 .. m - 1]]

type Target = (Natural, Natural)

maps :: [Target] -> [(Natural, Target)] -> [Natural] -> Natural
maps _ _ [] = 1
maps targets done (x : rest) = foldl' step 0 targets
  where
    step count y
      | all (fits y) done = count + maps targets ((x, y) : done) rest
      | otherwise = count
    fits y (source, target) = not (subset source x) || atMost target y

main :: IO ()
main = timed (maps (product' 2 3) [] [0 .. 15])
