import Numeric.Natural
import Timed

-- The predecessor of 0 is 0, as in Sire; the result depends on it.
dec :: Natural -> Natural
dec n = if n == 0 then 0 else n - 1

tak :: Natural -> Natural -> Natural -> Natural
tak x y z =
  if x <= y then z else tak (tak (dec x) y z) (tak (dec y) z x) (tak (dec z) x y)

main :: IO ()
main = timed (tak 24 16 8)
