{-# LANGUAGE BangPatterns #-}
import qualified Data.ByteString.Char8 as B
import Data.List (foldl')
import qualified Data.Map.Strict as Map
import qualified Data.Sequence as Seq
import Data.Foldable (toList)
import Timed

random :: Int -> Int
random seed = (12345 + 1103515245 * seed) `mod` 2147483648

name :: Int -> B.ByteString
name n = B.concat [B.pack "sensor-", B.pack (show (n `mod` 300))]

readings :: Int -> [(B.ByteString, Int)]
readings n = map reading (take n (iterate random 42))
  where reading seed = (name (seed `div` 65536), (seed `div` 256) `mod` 997)

sums :: [(B.ByteString, Int)] -> Map.Map B.ByteString Int
sums = foldl' (\tab (k, v) -> Map.insert k (v + Map.findWithDefault 0 k tab) tab) Map.empty

histogram :: [(B.ByteString, Int)] -> Seq.Seq Int
histogram = foldl' (\row (_, v) -> let !n = 1 + Seq.index row v in Seq.update v n row) (Seq.replicate 997 0)

totals :: Seq.Seq Int -> Seq.Seq Int
totals = go 0 0
  where
    go !i !s row
      | i == Seq.length row = row
      | otherwise = let !t = s + Seq.index row i in go (i + 1) t (Seq.update i t row)

-- Names are ordered as numbers: by length first, then by their last bytes first.
key :: B.ByteString -> (Int, B.ByteString)
key k = (B.length k, B.reverse k)

check :: [Int] -> Int
check = foldl' (\acc n -> (n + 31 * acc) `mod` 1000003) 0

main :: IO ()
main = timed result
  where
    list = readings 100000
    byName = Map.mapKeys key (sums list)
    result = check (Map.elems byName) + 1000003 * check (toList (totals (histogram list)))
