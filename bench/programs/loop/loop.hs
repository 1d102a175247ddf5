{-# LANGUAGE BangPatterns #-}
import Numeric.Natural
import Timed

loop :: Natural -> Natural -> Natural
loop i !acc = if i == 0 then acc else loop (i - 1) (acc + i `mod` 7)

main :: IO ()
main = timed (loop 10000000 0)
