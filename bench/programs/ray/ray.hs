import Data.Bits
import Data.List (foldl')
import Timed

data Vec = Vec !Int !Int !Int
data Sphere = Sphere Vec Int Int Int

unit :: Int
unit = 65536

fixed :: Int -> Int
fixed n = n * unit

times, over :: Int -> Int -> Int
times a b = (a * b) `quot` unit
over a b = (a * unit) `quot` b

isqrt :: Int -> Int
isqrt 0 = 0
isqrt n = go (bit ((64 - countLeadingZeros n + 2) `div` 2))
  where
    go guess
      | next >= guess = guess
      | otherwise = go next
      where next = (guess + n `quot` guess) `quot` 2

root :: Int -> Int
root a = isqrt (a * unit)

vecMap :: (Int -> Int) -> Vec -> Vec
vecMap f (Vec x y z) = Vec (f x) (f y) (f z)

plus, minus :: Vec -> Vec -> Vec
plus (Vec a b c) (Vec x y z) = Vec (a + x) (b + y) (c + z)
minus (Vec a b c) (Vec x y z) = Vec (a - x) (b - y) (c - z)

dot :: Vec -> Vec -> Int
dot (Vec a b c) (Vec x y z) = times a x + times b y + times c z

normal :: Vec -> Vec
normal a = vecMap (`over` root (dot a a)) a

sphere :: Int -> Int -> Int -> Int -> Int -> Int -> Sphere
sphere x y z radius shade = Sphere (Vec (fixed x) (fixed y) (fixed z)) (fixed radius) (fixed shade)

spheres :: [Sphere]
spheres =
  [ sphere 0 0 12 3 200 32768
  , sphere 4 2 10 1 150 16384
  , sphere (-4) 1 9 2 100 32768
  , sphere 1 (-104) 10 100 60 8192 ]

light :: Vec
light = normal (Vec (fixed 3) (fixed 6) (fixed (-5)))

distance :: Vec -> Vec -> Sphere -> Int
distance from ray (Sphere centre radius _ _)
  | square < 0 = 0
  | near < 1024 = 0
  | otherwise = near
  where
    offset = minus from centre
    b = dot offset ray
    c = dot offset offset - times radius radius
    square = times b b - c
    near = negate b - root square

nearest :: Vec -> Vec -> Maybe (Int, Sphere)
nearest from ray = foldl' better Nothing spheres
  where
    better best ball = case (distance from ray ball, best) of
      (0, _) -> best
      (d, Just (other, _)) | other < d -> best
      (d, _) -> Just (d, ball)

isLit :: Vec -> Bool
isLit point = all (\ball -> distance point light ball == 0) spheres

colour :: Int -> Vec -> Vec -> Int
colour depth from ray@(Vec _ height _) = case nearest from ray of
  Nothing -> 20 * (fixed 2 + height)
  Just (d, Sphere centre _ shade shine) ->
    let point = plus from (vecMap (times d) ray)
        up = normal (minus point centre)
        angle = dot up light
        lit = if angle < 0 then 0 else if isLit point then angle else 0
        own = times shade (13107 + lit)
        mirror = minus ray (vecMap (times (2 * dot ray up)) up)
    in if depth == 0 then own else own + times shine (colour (depth - 1) point mirror)

pixel :: Int -> Int -> Int
pixel size i = colour 2 (Vec 0 0 0) ray `div` unit
  where
    x = i `mod` size - size `div` 2
    y = size `div` 2 - i `div` size
    ray = normal (Vec (fixed x `quot` size) (fixed y `quot` size) unit)

image :: Int -> Int
image size = foldl' (\acc c -> (c + 31 * acc) `mod` 1000000007) 0 (map (pixel size) [0 .. size * size - 1])

main :: IO ()
main = timed (image 600)
