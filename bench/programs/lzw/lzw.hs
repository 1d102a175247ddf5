{-# LANGUAGE BangPatterns #-}
import Data.Bits (popCount)
import qualified Data.ByteString as B
import qualified Data.ByteString.Char8 as C
import Data.List (foldl')
import qualified Data.Map.Strict as Map
import Numeric.Natural
import Timed

random :: Natural -> Natural
random seed = (12345 + 1103515245 * seed) `mod` 2147483648

syllables :: [B.ByteString]
syllables = map C.pack ["ka", "lo", "mi", "nu", "ra", "se", "ti", "vo"]

text :: Int -> B.ByteString
text n = B.concat (map part (take n (iterate random 42)))
  where part s = syllables !! popCount (s `div` 65536 `mod` 128)

compress :: B.ByteString -> [Natural]
compress bar = reverse (end : found)
  where
    (found, _, end) = B.foldl' step ([], Map.empty, fromIntegral (B.head bar)) (B.tail bar)
    step (codes, !table, !code) c = case Map.lookup key table of
      Just known -> (codes, table, known)
      Nothing -> (code : codes, Map.insert key (256 + fromIntegral (Map.size table)) table,
                  fromIntegral c)
      where key = fromIntegral c + 256 * code :: Natural

decompress :: [Natural] -> B.ByteString
decompress [] = B.empty
decompress (first : rest) = B.concat (reverse parts)
  where
    (parts, _, _) = foldl' step ([single first], Map.empty, single first) rest
    single = B.singleton . fromIntegral
    step (done, !table, !previous) code = (part : done, Map.insert next new table, part)
      where
        next = 256 + fromIntegral (Map.size table)
        new = B.snoc previous (B.head part)
        part
          | code == next = B.snoc previous (B.head previous)
          | code < 256 = single code
          | otherwise = table Map.! code

check :: [Natural] -> Natural
check = foldl' (\acc x -> (x + 31 * acc) `mod` 1000003) 0

result :: B.ByteString -> Natural
result bar
  | decompress codes /= bar = error "not the same"
  | otherwise = check codes + 1000003 * fromIntegral (length codes)
  where codes = compress bar

main :: IO ()
main = timed (result (text 200000))
