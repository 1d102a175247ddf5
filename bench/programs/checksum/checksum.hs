{-# LANGUAGE BangPatterns #-}
import qualified Data.ByteString as B
import Data.Array.Unboxed
import Data.Bits
import Data.Word
import Timed

crcTable :: UArray Word32 Word32
crcTable = listArray (0, 255) [iterate step n !! 8 | n <- [0 .. 255]]
  where step c = if odd c then 0xedb88320 `xor` (c `shiftR` 1) else c `shiftR` 1

crc :: B.ByteString -> Word32
crc = complement . B.foldl' (\c b -> (crcTable ! ((c `xor` fromIntegral b) .&. 255)) `xor` (c `shiftR` 8)) 0xffffffff

data P = P !Int !Int
adler :: B.ByteString -> Int
adler bs = let P a b = B.foldl' step (P 1 0) bs in a + 65536 * b
  where step (P a b) x = let a' = (a + fromIntegral x) `mod` 65521 in P a' ((a' + b) `mod` 65521)

mixed :: B.ByteString -> Word64
mixed = B.foldl' step 0xcbf29ce484222325
  where step h b = let h1 = (h `xor` fromIntegral b) * 0x100000001b3
                       h2 = h1 `xor` (h1 `shiftR` 29) in h2 `rotateL` 7

next :: Word64 -> Word64
next x0 = x2 `xor` (x2 `shiftL` 17)
  where x1 = x0 `xor` (x0 `shiftL` 13)
        x2 = x1 `xor` (x1 `shiftR` 7)

main :: IO ()
main = timed (toInteger (crc bs) + 2 ^ (32 :: Int) * toInteger (adler bs) + 2 ^ (64 :: Int) * toInteger (mixed bs))
  where bs = B.pack (map (\x -> fromIntegral (x `shiftR` 56)) (take 1000000 (iterate next 88172645463325252)))
