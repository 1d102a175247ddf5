{-# LANGUAGE BangPatterns #-}
import Data.List (foldl')
import qualified Data.Map.Strict as Map
import Timed

type Grid = Map.Map (Int, Int) Int

isWall :: Int -> Int -> Bool
isWall x y = (x * x + 7 * y) `mod` 11 == 0

-- Keys are pairs with the last coordinate first, which is the order of rows in `pallas`.
cell :: Grid -> Int -> Int -> Int
cell tab x y = Map.findWithDefault 0 (y, x) tab

ways :: Grid -> Int -> Int -> Int
ways tab x y
  | x + y == 0 = 1
  | isWall x y = 0
  | otherwise = (left + above) `mod` 1000007
  where
    left = if x == 0 then 0 else cell tab (x - 1) y
    above = if y == 0 then 0 else cell tab x (y - 1)

fill :: Int -> Grid
fill n = go Map.empty 0
  where
    go !tab i
      | i == n * n = tab
      | otherwise = let (y, x) = i `divMod` n in go (Map.insert (y, x) (ways tab x y) tab) (i + 1)

check :: Grid -> Int
check = Map.foldlWithKey' (\acc (y, x) n -> (n + 31 * (acc + x + 3 * y)) `mod` 1000003) 0

main :: IO ()
main = timed (1000000000000 + check (fill 200))
