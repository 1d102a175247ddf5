{-# LANGUAGE BangPatterns #-}
import Data.Array
import qualified Data.ByteString as B
import qualified Data.ByteString.Char8 as C
import Data.List (foldl')
import Data.Word
import Numeric.Natural
import Timed

random :: Natural -> Natural
random seed = (12345 + 1103515245 * seed) `mod` 2147483648

text :: Int -> B.ByteString
text n = B.pack (map letter (take n (iterate random 42)))
  where letter s = B.index (C.pack "abc") (fromIntegral (s `div` 65536 `mod` 3))

shift :: B.ByteString -> Array Int Int -> Int -> Word8 -> Int
shift word failure = go
  where
    go :: Int -> Word8 -> Int
    go j c
      | j < B.length word && B.index word j == c = j + 1
      | j == 0 = 0
      | otherwise = go (failure ! (j - 1)) c

failures :: B.ByteString -> Array Int Int
failures word = foldl' step (row [0]) [1 .. B.length word - 1]
  where
    row l = listArray (0, length l - 1) l
    step failure i =
      row (elems failure ++ [shift word failure (failure ! (i - 1)) (B.index word i)])

count :: B.ByteString -> B.ByteString -> Int
count bar word = go 0 0 0
  where
    failure = failures word
    size = B.length word
    go :: Int -> Int -> Int -> Int
    go i !j !found
      | i == B.length bar = found
      | k == size = go (i + 1) (failure ! (k - 1)) (found + 1)
      | otherwise = go (i + 1) k found
      where k = shift word failure j (B.index bar i)

main :: IO ()
main = timed (foldl' step 0 ["abacab", "cacabacac", "aaaa", "abcabcab", "bbcbbcbb"])
  where
    step acc word = fromIntegral (count bar (C.pack word)) + 10000 * acc :: Natural
    bar = text 800000
