{-# LANGUAGE BangPatterns #-}
import Data.List (foldl')
import Timed

random :: Int -> Int
random s = (12345 + 1103515245 * s) `mod` 2147483648
word :: Int -> Int -> [Int]
word s n = map (\x -> 97 + x `div` 65536 `mod` 6) (take n (iterate random s))

distanceRow :: [Int] -> [Int] -> Int -> Int -> [Int]
distanceRow bs0 previous0 i a = i : go i bs0 previous0
  where go !left (b : bs) (d : rest@(up : _)) = cells `seq` (cell : cells)
          where !cell = if a == b then d else 1 + min d (min left up)
                cells = go cell bs rest
        go _ _ _ = []

distance :: [Int] -> [Int] -> Int
distance as0 bs = last (go 1 as0 [0 .. length bs])
  where go _ [] row = row
        go !i (a : as) row = go (i + 1) as (distanceRow bs row i a)

commonRow :: [Int] -> [Int] -> Int -> [Int]
commonRow bs0 previous0 a = 0 : go 0 bs0 previous0
  where go !left (b : bs) (d : rest@(up : _)) = cell : go cell bs rest
          where !cell = if a == b then d + 1 else max left up
        go _ _ _ = []

main :: IO ()
main = timed (distance a b + 10000 * last (foldl' (commonRow b) (replicate (length b + 1) 0) a))
  where a = word 1 1200
        b = word 2 1100
