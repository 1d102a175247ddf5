import Data.Array
import Data.List (foldl', sortOn)
import Numeric.Natural
import Timed

size :: Int
size = 91

random :: Natural -> Natural
random seed = (12345 + 1103515245 * seed) `mod` 2147483648

type Grid = Array Int Natural

start :: Grid
start = listArray (0, size * size - 1) (map cell [0 .. size * size - 1])
  where
    cell i
      | odd (i `mod` size) && odd (i `div` size) = fromIntegral (i + 1)
      | otherwise = 0

walls :: [(Int, Int)]
walls = filter ((/= 0) . snd) (map wall [0 .. size * size - 1])
  where
    wall i
      | x == 0 || y == 0 || x == size - 1 || y == size - 1 = (i, 0)
      | odd y && even x = (i, 1)
      | odd x && even y = (i, size)
      | otherwise = (i, 0)
      where (y, x) = i `divMod` size

shuffle :: Natural -> [(Int, Int)] -> [(Int, Int)]
shuffle seed l = map snd (sortOn fst (go seed l))
  where
    go _ [] = []
    go s (x : xs) = let s' = random s in ((s', fst x), x) : go s' xs

open :: Grid -> (Int, Int) -> Grid
open grid (wall, step)
  | a == b = grid
  | otherwise = fmap (\c -> if c == b then a else c) grid // [(wall, a)]
  where
    a = grid ! (wall - step)
    b = grid ! (wall + step)

check :: Grid -> Natural
check grid = foldl' step 0 (assocs grid)
  where step acc (i, c) = if c /= 0 then (fromIntegral i + 31 * acc) `mod` 1000003 else acc

main :: IO ()
main = timed (check (foldl' open start (shuffle 42 walls)))
