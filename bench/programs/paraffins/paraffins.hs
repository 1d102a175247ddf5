import Data.Array
import Data.List (foldl', tails)
import Timed

data Radical = H | C Radical Radical Radical
data Paraffin = Bond Radical Radical | Atom Radical Radical Radical Radical

type Radicals = Array Int [Radical]

suffixes :: [a] -> [[a]]
suffixes = init . tails

choices :: Radicals -> Int -> Int -> [Radical] -> [[Radical]]
choices rads i j is
  | i == j = suffixes is
  | otherwise = suffixes (rads ! j)

radicals :: Radicals -> Int -> [Radical]
radicals rads n =
  [ C (head is) (head js) (head ks)
  | i <- [0 .. (n - 1) `div` 3]
  , j <- [i .. (n - 1 - i) `div` 2]
  , let k = n - 1 - i - j
  , is <- suffixes (rads ! i)
  , js <- choices rads i j is
  , ks <- choices rads j k js ]

radicalsTo :: Int -> Radicals
radicalsTo n = rads
  where rads = listArray (0, n) ([H] : map (radicals rads) [1 .. n])

bondCentred, atomCentred :: Radicals -> Int -> [Paraffin]
bondCentred rads n
  | odd n = []
  | otherwise =
      [ Bond (head is) (head js) | is <- suffixes (rads ! (n `div` 2)), js <- suffixes is ]
atomCentred rads n =
  [ Atom (head is) (head js) (head ks) (head ls)
  | i <- [0 .. rest `div` 4]
  , j <- [i .. (rest - i) `div` 3]
  , let third = rest - i - j
  , k <- [max j (third - rest `div` 2) .. third `div` 2]
  , let l = third - k
  , is <- suffixes (rads ! i)
  , js <- choices rads i j is
  , ks <- choices rads j k js
  , ls <- choices rads k l ks ]
  where rest = n - 1

height :: Radical -> Int
height H = 0
height (C a b c) = 1 + foldl' max 0 [height a, height b, height c]

heightOf :: Paraffin -> Int
heightOf (Bond a b) = 1 + foldl' max 0 [height a, height b]
heightOf (Atom a b c d) = 1 + foldl' max 0 [height a, height b, height c, height d]

total :: Radicals -> Int -> Int
total rads n = foldl' (\acc p -> acc + heightOf p) 0 (bondCentred rads n ++ atomCentred rads n)

main :: IO ()
main = timed (total (radicalsTo 10) 20)
