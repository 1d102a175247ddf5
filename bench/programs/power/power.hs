import Numeric.Natural

factorial :: Natural -> Natural
factorial n = if n == 0 then 1 else n * factorial (n - 1)

main :: IO ()
main = print ((factorial 10000 + 3 ^ (2000000 :: Natural)) `mod` 1000000007)
