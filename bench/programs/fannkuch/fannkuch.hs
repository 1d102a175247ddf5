{-# LANGUAGE BangPatterns #-}
import Numeric.Natural
import Timed

flips :: [Int] -> Natural
flips = go 0
  where
    go !count perm
      | first == 1 = count
      | otherwise = go (count + 1) (reverse (take first perm) ++ drop first perm)
      where first = head perm

rotate :: Int -> [Int] -> [Int]
rotate n perm = take (n - 1) rest ++ (head perm : drop (n - 1) rest)
  where rest = tail perm

data Acc = Acc !Natural !Natural !Natural !Natural

visit :: Acc -> [Int] -> Acc
visit (Acc index even' odd' most) perm
  | odd index = Acc (index + 1) even' (odd' + count) (max most count)
  | otherwise = Acc (index + 1) (even' + count) odd' (max most count)
  where count = flips perm

walk :: Int -> Acc -> [Int] -> Acc
walk 1 acc0 perm0 = visit acc0 perm0
walk n acc0 perm0 = go n acc0 perm0
  where
    go :: Int -> Acc -> [Int] -> Acc
    go 0 !acc _ = acc
    go i !acc perm = go (i - 1) (walk (n - 1) acc perm) (rotate n perm)

result :: Int -> Natural
result n = most + 1000 * (even' - odd')
  where Acc _ even' odd' most = walk n (Acc 0 0 0 0) [1 .. n]

main :: IO ()
main = timed (result 9)
