{-# LANGUAGE BangPatterns #-}
import Data.Bits
import Numeric.Natural
import Timed

lsh32, rsh32 :: Natural -> Int -> Natural
lsh32 x n = shiftL x n .&. 0xffffffff
rsh32 = shiftR

step :: Natural -> Natural
step x0 = x2 `xor` lsh32 x2 5
  where
    x1 = x0 `xor` lsh32 x0 13
    x2 = x1 `xor` rsh32 x1 17

run :: Natural -> Natural -> Natural
run i !x
  | i == 0 = x
  | otherwise = run (i - 1) (step x)

main :: IO ()
main = timed (run 3000000 2463534242)
