{-# LANGUAGE BangPatterns #-}
import Data.Array
import Data.Bits
import Data.List (foldl')
import qualified Data.Set as Set
import Numeric.Natural
import Timed

insertions :: a -> [a] -> [[a]]
insertions x [] = [[x]]
insertions x l@(y : ys) = (x : l) : map (y :) (insertions x ys)

permutations :: [a] -> [[a]]
permutations [] = [[]]
permutations (x : xs) = concatMap (insertions x) (permutations xs)

row :: [a] -> Array Int a
row l = listArray (0, length l - 1) l

edges :: Int -> [(Int, Int)]
edges n = [(a, b) | b <- [0 .. n - 1], a <- [0 .. b - 1]]

bitOf :: Int -> Int -> Natural
bitOf a b = bit (low + high * (high - 1) `div` 2)
  where
    low = min a b
    high = max a b

moves :: Int -> [Array Int Natural]
moves n = map move (map row (permutations [0 .. n - 1]))
  where move p = row (map (\(a, b) -> bitOf (p ! a) (p ! b)) (edges n))

moved :: Natural -> Array Int Natural -> Natural
moved graph bits = foldl' step 0 (assocs bits)
  where step acc (i, b) = if testBit graph i then acc + b else acc

least :: [Array Int Natural] -> Natural -> Natural
least ms graph = foldl' (\best bits -> min best (moved graph bits)) graph ms

classes :: Int -> Natural
classes n = Set.foldl' (\acc graph -> (graph + 31 * acc) `mod` 1000000007) 0 (foldl' add Set.empty [0, 8 .. bit (length (edges n)) - 1])
  where
    ms = moves n
    add set graph = Set.insert (least ms graph) set

main :: IO ()
main = timed (classes 6)
