import qualified Data.ByteString.Char8 as B
import Data.Char (ord)
import Numeric.Natural
import Timed

random :: Natural -> Natural
random seed = (12345 + 1103515245 * seed) `mod` 2147483648

strand :: Int -> B.ByteString
strand n = B.pack (map base (take n (iterate random 42)))
  where base seed = B.index (B.pack "ACGT") (fromIntegral (seed `div` 65536 `mod` 4))

complement :: Char -> Char
complement 'A' = 'T'
complement 'C' = 'G'
complement 'G' = 'C'
complement 'T' = 'A'
complement c = c

rows :: B.ByteString -> [B.ByteString]
rows bar
  | B.null bar = []
  | otherwise = B.take 60 bar : rows (B.drop 60 bar)

reverseComplement :: B.ByteString -> B.ByteString
reverseComplement = B.unlines . rows . B.map complement . B.reverse . B.concat . B.lines

check :: B.ByteString -> Natural
check = B.foldl' (\acc c -> (fromIntegral (ord c) + 31 * acc) `mod` 1000003) 0

rounds :: Natural -> B.ByteString -> Natural
rounds 0 text = check text
rounds n text = next `seq` rounds (n - 1) next
  where next = reverseComplement text

main :: IO ()
main = timed (rounds 101 (B.unlines (rows (strand 60000))))
