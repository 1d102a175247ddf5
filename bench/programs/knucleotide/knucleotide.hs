import qualified Data.ByteString as B
import qualified Data.ByteString.Char8 as C
import Data.List (foldl')
import qualified Data.Map.Strict as Map
import Numeric.Natural
import Timed

random :: Natural -> Natural
random seed = (12345 + 1103515245 * seed) `mod` 2147483648

strand :: Int -> B.ByteString
strand n = B.pack (map base (take n (iterate random 42)))
  where base seed = B.index (C.pack "ACGT") (fromIntegral (seed `div` 65536 `mod` 4))

count :: Int -> B.ByteString -> Map.Map B.ByteString Natural
count k dna = foldl' step Map.empty [0 .. B.length dna - k]
  where step tab i = Map.insertWith (+) (B.take k (B.drop i dna)) 1 tab

check :: Map.Map B.ByteString Natural -> Natural
check = Map.foldlWithKey' (\acc key n -> acc + n * n * (nat key `mod` 1000003)) 0
  where nat = B.foldr (\b n -> fromIntegral b + 256 * n) 0

main :: IO ()
main = timed (sum (map (\k -> check (count k dna)) [1, 2, 3, 4, 6]))
  where dna = strand 280000
