import qualified Data.ByteString.Char8 as B
import Data.Char (ord)
import Data.List (foldl', sortBy)
import qualified Data.Map.Strict as Map
import Numeric.Natural
import Timed

random :: Natural -> Natural
random seed = (12345 + 1103515245 * seed) `mod` 2147483648

syllables :: [B.ByteString]
syllables = map B.pack ["ka", "lo", "mi", "nu", "ra", "se", "ti", "vo"]

word :: Natural -> B.ByteString
word seed = B.concat (take (1 + fromIntegral (n `mod` 3)) (map part [3, 24, 192]))
  where
    n = seed `div` 65536
    part shift = syllables !! fromIntegral (n `div` shift `mod` 8)

text :: Int -> B.ByteString
text n = B.intercalate (B.pack " ") (map word (take n (iterate random 42)))

counts :: B.ByteString -> Map.Map B.ByteString Natural
counts = foldl' (\tab w -> Map.insertWith (+) w 1 tab) Map.empty . B.split ' '

nat :: B.ByteString -> Natural
nat = B.foldr (\b n -> fromIntegral (ord b) + 256 * n) 0

-- Words of the same count are ordered by their bytes as a number, as `pallas` does.
ranking :: Map.Map B.ByteString Natural -> [(B.ByteString, Natural)]
ranking = sortBy (\a b -> compare (key b) (key a)) . Map.toList
  where key (w, n) = (n, nat w)

check :: [(B.ByteString, Natural)] -> Natural
check = foldl' (\acc (w, n) -> (n + 31 * (acc + nat w)) `mod` 1000003) 0 . take 100

main :: IO ()
main = timed (check (ranking (counts (text 150000))))
