import Numeric.Natural
import Timed

tak :: Natural -> Natural -> Natural -> (Natural -> r) -> r
tak x y z ret
  | not (y < x) = ret z
  | otherwise =
      tak (x - 1) y z (\a ->
        tak (y - 1) z x (\b ->
          tak (z - 1) x y (\c ->
            tak a b c ret)))

main :: IO ()
main = timed (tak 32 22 12 id)
