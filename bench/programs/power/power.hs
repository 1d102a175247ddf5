import Numeric.Natural
import Timed

factorial :: Natural -> Natural
factorial n = if n == 0 then 1 else n * factorial (n - 1)

main :: IO ()
main = timed ((factorial 10000 + 3 ^ (2000000 :: Natural)) `mod` 1000000007)
