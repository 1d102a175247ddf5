{-# LANGUAGE BangPatterns #-}
import Data.List (foldl', sort)
import qualified Data.Map.Strict as Map
import Numeric.Natural
import Timed

type Tab = Map.Map Natural Natural

random :: Natural -> Natural
random seed = (12345 + 1103515245 * seed) `mod` 2147483648

edges :: Natural -> Int -> [(Natural, Natural, Natural)]
edges nodes n = map edge (take n (iterate random 42))
  where edge s = (s `div` 64 `mod` 1000, s * 7919 `mod` nodes, s `div` 8 `mod` nodes)

find :: Tab -> Natural -> Natural
find parents x
  | parent == x = x
  | otherwise = find parents parent
  where parent = parents Map.! x

union :: Tab -> Tab -> Natural -> Natural -> (Tab, Tab)
union parents sizes a b
  | n >= m = (Map.insert b a parents, Map.insert a (n + m) sizes)
  | otherwise = (Map.insert a b parents, Map.insert b (n + m) sizes)
  where
    n = sizes Map.! a
    m = sizes Map.! b

data State = State !Natural !Natural !Tab !Tab

connect :: State -> (Natural, Natural, Natural) -> State
connect (State total count parents sizes) (cost, y, x)
  | a == b = State total count parents sizes
  | otherwise = State (total + cost) (count - 1) parents' sizes'
  where
    a = find parents x
    b = find parents y
    (parents', sizes') = union parents sizes a b

result :: Natural -> Int -> Natural
result nodes n = total + 1000000000 * count
  where
    parents = foldl' (\tab x -> Map.insert x x tab) Map.empty [0 .. nodes - 1]
    State total count _ _ =
      foldl' connect (State 0 nodes parents (Map.map (const 1) parents)) (sort (edges nodes n))

main :: IO ()
main = timed (result 30000 90000)
