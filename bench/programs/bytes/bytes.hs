{-# LANGUAGE BangPatterns #-}
import qualified Data.ByteString as B
import Data.Word
import Numeric.Natural
import Timed

bytes :: B.ByteString
bytes = fst (B.unfoldrN 1000000 (\i -> Just (fromIntegral ((i * 31) `mod` 251), i + 1)) (0 :: Int))

scan :: Word8 -> B.ByteString -> Natural
scan b bar = go 0 0
  where
    size = B.length bar
    go :: Int -> Natural -> Natural
    go i !acc
      | i == size = acc
      | b == B.index bar i = go (i + 1) (acc + fromIntegral i)
      | otherwise = go (i + 1) acc

main :: IO ()
main = timed (scan 7 bytes + scan 100 bytes)
