{-# LANGUAGE BangPatterns #-}
import Timed

unit :: Int
unit = 16777216

times :: Int -> Int -> Int
times a b = (a * b) `quot` unit

-- How many of n steps are left when the point leaves the circle of radius 2.
escape :: Int -> Int -> Int -> Int -> Int -> Int
escape 0 _ _ _ _ = 0
escape n !x !y !cx !cy
  | xx + yy > 4 * unit = n
  | otherwise = escape (n - 1) (xx - yy + cx) (2 * times x y + cy) cx cy
  where
    xx = times x x
    yy = times y y

pixel :: Int -> Int -> Int
pixel size i = escape 50 0 0 cx cy
  where
    cx = 3 * unit * (i `rem` size) `quot` size - 2 * unit
    cy = 2 * unit * (i `quot` size) `quot` size - unit

image :: Int -> Int -> Int -> Int
image 0 _ acc = acc
image i size !acc = image (i - 1) size (acc + pixel size (i - 1))

main :: IO ()
main = timed (image 1000000 1000 0)
