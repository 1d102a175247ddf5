import Data.Array
import Data.Bits
import Data.List (foldl')
import Numeric.Natural
import Timed

size :: Int
size = 500

type Vec = Array Int Natural

entry :: Int -> Int -> Natural
entry i j = fromIntegral (k * (k + 1) `div` 2 + i + 1)
  where k = i + j

gen :: (Int -> Natural) -> Vec
gen f = listArray (0, size - 1) (map f [0 .. size - 1])

times, timesTransposed, step :: Vec -> Vec
times v = gen (\i -> sum (zipWith div (elems v) (map (entry i) [0 .. size - 1])))
timesTransposed v = gen (\i -> sum (zipWith div (elems v) (map (`entry` i) [0 .. size - 1])))
step v = timesTransposed (times v)

isqrt :: Natural -> Natural
isqrt n = go (bit ((2 + width n) `div` 2))
  where
    go guess
      | next >= guess = guess
      | otherwise = go next
      where next = (guess + n `div` guess) `div` 2
    width m = length (takeWhile (> 0) (iterate (`shiftR` 1) m))

dot :: Vec -> Vec -> Natural
dot a b = sum (zipWith (*) (elems a) (elems b))

norm :: Int -> Natural
norm rounds = isqrt (dot u v * 10 ^ (18 :: Int) `div` dot u u)
  where
    u = foldl' (\x _ -> strict (step x)) (gen (const 1000000000)) [1 .. rounds]
    v = step u
    strict x = foldl' (\_ y -> y `seq` ()) () (elems x) `seq` x

main :: IO ()
main = timed (norm 10)
