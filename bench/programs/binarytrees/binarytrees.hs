{-# LANGUAGE BangPatterns #-}
import Data.List (foldl')
import Numeric.Natural
import Timed

data Tree = Leaf | Node Tree Tree

make :: Natural -> Tree
make 0 = Node Leaf Leaf
make depth = Node (make (depth - 1)) (make (depth - 1))

check :: Tree -> Natural
check (Node Leaf _) = 1
check (Node l r) = 1 + check l + check r
check Leaf = 0

minDepth, maxDepth :: Natural
minDepth = 4
maxDepth = 16

sumTo :: Natural -> (Natural -> Natural) -> Natural
sumTo count f = go 0 count
  where
    go !acc 0 = acc
    go !acc n = go (acc + f n) (n - 1)
{-# NOINLINE sumTo #-}

-- The depth depends on the loop's variable, so that the tree is made in each turn.
checks :: Natural -> Natural
checks depth = sumTo (2 ^ (maxDepth + minDepth - depth)) (\n -> check (make (depth + n `div` 1000000)))

result :: Natural
result = 7 * foldl' step (check (make (maxDepth + 1))) [minDepth, minDepth + 2 .. maxDepth] + check long
  where
    long = make maxDepth
    step acc depth = checks depth + 7 * acc

main :: IO ()
main = timed result
