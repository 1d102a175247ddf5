{-# LANGUAGE BangPatterns #-}
import Data.List (foldl')
import Data.Array
import Numeric.Natural
import Timed

type Row = Array Int Natural
type Matrix = Array Int Row

prime :: Natural
prime = 1000003

row :: [a] -> Array Int a
row xs = listArray (0, length xs - 1) xs

transpose :: Matrix -> Matrix
transpose m = row [fmap (! j) m | j <- indices (m ! 0)]

dot :: Row -> Row -> Natural
dot a b = sum (zipWith (*) (elems a) (elems b)) `mod` prime

multiply :: Matrix -> Matrix -> Matrix
multiply a b = fmap (\r -> fmap (dot r) columns) a
  where columns = transpose b

powMod :: Natural -> Natural -> Natural
powMod _ 0 = 1
powMod a n
  | odd n = a * half `mod` prime
  | otherwise = half
  where half = powMod (a * a `mod` prime) (n `div` 2)

inverse :: Natural -> Natural
inverse a = powMod a (prime - 2)

eliminate :: Row -> Natural -> Row -> Row
eliminate pivot inv r = row (tail (zipWith step (elems r) (elems pivot)))
  where
    factor = (r ! 0) * inv `mod` prime
    step x p = (x + (prime - factor) * p) `mod` prime

determinant :: [Row] -> Natural
determinant [] = 1
determinant m = case break ((/= 0) . (! 0)) m of
  (_, []) -> 0
  (before, pivot : after) ->
    let value = if odd (length before) then prime - pivot ! 0 else pivot ! 0
        rest = map (eliminate pivot (inverse (pivot ! 0))) (before ++ after)
    in value * determinant rest `mod` prime

start :: Natural -> Matrix
start n = row [row [entry i j | j <- [0 .. n - 1]] | i <- [0 .. n - 1]]
  where entry i j = (12345 + 7919 * i) * (6789 + 104729 * j) `mod` 10007

strict :: Matrix -> Matrix
strict m = foldl' (\_ r -> foldl' (\_ x -> x `seq` ()) () (elems r)) () (elems m) `seq` m

result :: Natural -> Natural -> Natural
result n = go 0 m
  where
    m = start n
    go !acc _ 0 = acc
    go !acc power k = go (acc + determinant (elems next)) next (k - 1 :: Natural)
      where !next = strict (multiply power m)

main :: IO ()
main = timed (result 90 10)
