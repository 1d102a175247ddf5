{-# LANGUAGE BangPatterns #-}
import Data.List (foldl')
import qualified Data.Map.Strict as Map
import Numeric.Natural
import Timed

type Maze = Map.Map Natural [Natural]

width, height :: Natural
width = 300
height = 300

random :: Natural -> Natural
random seed = (12345 + 1103515245 * seed) `mod` 2147483648

neighbours :: Natural -> [Natural]
neighbours cell = concat
  [ [cell - 1 | x /= 0]
  , [cell - width | y /= 0]
  , [cell + 1 | x + 1 /= width]
  , [cell + width | y + 1 /= height] ]
  where
    x = cell `mod` width
    y = cell `div` width

connect :: Natural -> Natural -> Maze -> Maze
connect a b = Map.insertWith (++) b [a] . Map.insertWith (++) a [b]

carve :: Natural -> [Natural] -> Maze -> Maze
carve _ [] maze = maze
carve seed0 stack@(cell : rest) maze
  | null fresh = carve seed rest maze
  | otherwise = let !maze' = connect cell next maze in carve seed (next : stack) maze'
  where
    fresh = filter (`Map.notMember` maze) (neighbours cell)
    !seed = random seed0
    next = fresh !! fromIntegral (seed `div` 65536 `mod` fromIntegral (length fresh))

explore :: Maze -> Natural -> [Natural] -> Map.Map Natural Natural -> Map.Map Natural Natural
explore _ _ [] known = known
explore maze distance cells known = explore maze (distance + 1) next known'
  where
    known' = foldl' (\m c -> Map.insert c distance m) known cells
    next = filter (`Map.notMember` known') (concatMap (maze Map.!) cells)

result :: Maze -> Natural
result maze = Map.foldl' (\acc d -> (d + 31 * acc) `mod` 1000003) 1000000000 known
  where known = explore maze 0 [0] Map.empty

main :: IO ()
main = timed (result (carve 42 [0] Map.empty))
