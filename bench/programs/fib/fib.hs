import Numeric.Natural
import Timed

fib :: Natural -> Natural
fib n = if n < 2 then n else fib (n - 2) + fib (n - 1)

main :: IO ()
main = timed (fib 32)
