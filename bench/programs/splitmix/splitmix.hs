{-# LANGUAGE BangPatterns #-}
import Data.Bits
import Data.Word
import Timed

mixed :: Word64 -> Word64
mixed state = b `xor` (b `shiftR` 31)
  where
    a = (state `xor` (state `shiftR` 30)) * 13787848793156543929
    b = (a `xor` (a `shiftR` 27)) * 10723151780598845931

run :: Int -> Word64 -> Word64 -> Word64
run 0 _ hash = hash
run n !state !hash = run (n - 1) next (rotateL hash 5 + mixed next)
  where next = state + 11400714819323198485

main :: IO ()
main = timed (run 20000000 1 0)
