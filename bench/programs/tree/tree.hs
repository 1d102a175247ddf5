{-# LANGUAGE BangPatterns #-}
import Numeric.Natural
import Timed

data Tree = Leaf !Natural | Node Tree Tree

build :: Natural -> Natural -> Tree
build depth n
  | depth == 0 = Leaf n
  | otherwise = Node (build (depth - 1) (2 * n)) (build (depth - 1) (2 * n + 1))

fold :: Tree -> Natural
fold (Leaf n) = n
fold (Node l r) = fold l + fold r

rounds :: Natural -> Natural -> Natural
rounds i !acc
  | i == 0 = acc
  | otherwise = rounds (i - 1) (acc + fold (build 16 i))

main :: IO ()
main = timed (rounds 20 0)
