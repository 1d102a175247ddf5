{-# LANGUAGE BangPatterns #-}
import Numeric.Natural
import Timed

digits :: Natural -> Natural
digits count = go count 1 1 3 1 0
  where
    go :: Natural -> Natural -> Natural -> Natural -> Natural -> Natural -> Natural
    go 0 !_ !_ !_ !_ !check = check
    go n k num above den check
      | rest + num < den =
          go (n - 1) k (10 * num) (10 * rest) den ((digit + 31 * check) `mod` 1000003)
      | otherwise =
          go n (k + 1) (num * k) (above * odds + num * (k - 1)) (den * odds) check
      where
        digit = above `div` den
        rest = above - digit * den
        odds = 2 * k + 1

main :: IO ()
main = timed (digits 3500)
