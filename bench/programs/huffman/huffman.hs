import Data.Bits (popCount)
import qualified Data.ByteString as B
import Data.List (foldl')
import qualified Data.Map.Strict as Map
import qualified Data.Set as Set
import Data.Word
import Numeric.Natural
import Timed

data Tree = Leaf Word8 | Node Tree Tree deriving (Eq, Ord)

random :: Natural -> Natural
random seed = (12345 + 1103515245 * seed) `mod` 2147483648

text :: Int -> B.ByteString
text n = B.pack (map byte (take n (iterate random 42)))
  where byte s = fromIntegral (popCount (s `div` 256 `mod` 16384))

frequencies :: B.ByteString -> Map.Map Word8 Natural
frequencies = B.foldl' (\tab c -> Map.insertWith (+) c 1 tab) Map.empty

build :: Set.Set (Natural, Tree) -> Tree
build queue
  | Set.null rest = a
  | otherwise = build (Set.insert (n + m, Node a b) more)
  where
    ((n, a), rest) = Set.deleteFindMin queue
    ((m, b), more) = Set.deleteFindMin rest

codes :: [Bool] -> Map.Map Word8 [Bool] -> Tree -> Map.Map Word8 [Bool]
codes path tab (Leaf c) = Map.insert c (reverse path) tab
codes path tab (Node a b) = codes (True : path) (codes (False : path) tab a) b

encode :: Map.Map Word8 [Bool] -> B.ByteString -> [Bool]
encode table = concatMap (table Map.!) . B.unpack

decode :: Tree -> [Bool] -> [Word8]
decode root = go root
  where
    go (Leaf c) bits = c : go root bits
    go _ [] = []
    go (Node a b) (bit : rest) = go (if bit then b else a) rest

check :: [Word8] -> Natural
check = foldl' (\acc x -> (fromIntegral x + 31 * acc) `mod` 1000003) 0

result :: B.ByteString -> Natural
result bar = check (decode tree bits) + 1000003 * fromIntegral (length bits)
  where
    tree = build (Set.fromList [(n, Leaf c) | (c, n) <- Map.toList (frequencies bar)])
    bits = encode (codes [] Map.empty tree) bar

main :: IO ()
main = timed (result (text 300000))
