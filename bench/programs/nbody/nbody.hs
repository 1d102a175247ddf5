{-# LANGUAGE BangPatterns #-}
import Data.Bits
import Data.List (foldl')
import Timed

data Vec = Vec !Int !Int !Int
data Body = Body !Int !Vec !Vec

unit :: Int
unit = 1000000

bodies0 :: [Body]
bodies0 =
  [ Body 39478418 (Vec 0 0 0) (Vec 0 0 0)
  , Body 37694 (Vec 4841431 (-1160320) (-103622)) (Vec 606326 2811987 (-25218))
  , Body 11286 (Vec 8343367 4124799 (-403523)) (Vec (-1010774) 1825662 8416)
  , Body 1724 (Vec 12894370 (-15111151) (-223308)) (Vec 1082791 868713 (-10833))
  , Body 2034 (Vec 15379697 (-25919315) 179259) (Vec 979091 594699 (-34756)) ]

isqrt :: Int -> Int
isqrt 0 = 0
isqrt x = go (bit ((64 - countLeadingZeros x + 2) `div` 2))
  where
    go guess
      | next >= guess = guess
      | otherwise = go next
      where next = (guess + x `quot` guess) `quot` 2

vecMap :: (Int -> Int) -> Vec -> Vec
vecMap f (Vec x y z) = Vec (f x) (f y) (f z)

vecZip :: (Int -> Int -> Int) -> Vec -> Vec -> Vec
vecZip f (Vec a b c) (Vec x y z) = Vec (f a x) (f b y) (f c z)

dot :: Vec -> Vec -> Int
dot (Vec a b c) (Vec x y z) = a * x + b * y + c * z

pull :: Vec -> Body -> Vec
pull position (Body mass other _)
  | square == 0 = Vec 0 0 0
  | otherwise = vecMap (\d -> ((d * mass) `quot` unit) * factor `quot` 1000000000000) offset
  where
    offset = vecZip (-) other position
    square = dot offset offset
    distance = isqrt square
    cube = (square `quot` unit) * distance `quot` unit
    factor = 10000000000000000 `quot` cube

accelerate :: [Body] -> Body -> Body
accelerate bodies (Body mass position velocity) =
  Body mass position (foldl' (\v other -> vecZip (+) v (pull position other)) velocity bodies)

move :: Body -> Body
move (Body mass position velocity) =
  Body mass (vecZip (+) position (vecMap (`quot` 100) velocity)) velocity

run :: Int -> [Body] -> [Body]
run 0 bodies = bodies
run steps bodies = foldr seq () next `seq` run (steps - 1) next
  where next = map (move . accelerate bodies) bodies

check :: [Body] -> Int
check bodies = foldl' (\acc x -> (abs x + 31 * acc) `mod` 1000003) 0 (concatMap numbers bodies)
  where numbers (Body _ (Vec a b c) (Vec x y z)) = [a, b, c, x, y, z]

main :: IO ()
main = timed (check (run 80000 bodies0))
