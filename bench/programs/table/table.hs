{-# LANGUAGE BangPatterns #-}
import qualified Data.Map as Map
import Numeric.Natural
import Timed

key :: Natural -> Natural
key i = (i * 7919) `mod` 1000003

fill :: Natural -> Map.Map Natural Natural -> Map.Map Natural Natural
fill i !tab
  | i == 0 = tab
  | otherwise = fill (i - 1) (Map.insert (key i) i tab)

total :: Natural -> Map.Map Natural Natural -> Natural -> Natural
total i tab !acc
  | i == 0 = acc
  | otherwise = total (i - 1) tab (acc + tab Map.! key i)

main :: IO ()
main = timed (total 20000 (fill 20000 Map.empty) 0)
