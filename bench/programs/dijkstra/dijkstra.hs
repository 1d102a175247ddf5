{-# LANGUAGE BangPatterns #-}
import Data.List (foldl')
import qualified Data.Map.Strict as Map
import qualified Data.Set as Set
import Numeric.Natural
import Timed

type Distances = Map.Map Natural Natural
type Queue = Set.Set (Natural, Natural)

nodes :: Natural
nodes = 20000

random :: Natural -> Natural
random seed = (12345 + 1103515245 * seed) `mod` 2147483648

edges :: Natural -> [(Natural, Natural)]
edges node = map edge (take 5 (iterate random (7919 * (node + 1))))
  where edge s = let n = s `div` 1024 in (n `mod` nodes, 1 + n `div` 7 `mod` 100)

graph :: Map.Map Natural [(Natural, Natural)]
graph = foldl' (\tab node -> Map.insert node (edges node) tab) Map.empty [0 .. nodes - 1]

relax :: Natural -> (Queue, Distances) -> (Natural, Natural) -> (Queue, Distances)
relax distance (!queue, !distances) (target, len) = case Map.lookup target distances of
  Just known | there >= known -> (queue, distances)
  _ -> (Set.insert (there, target) queue, Map.insert target there distances)
  where !there = distance + len

search :: Queue -> Distances -> Distances
search queue distances = case Set.minView queue of
  Nothing -> distances
  Just ((distance, node), rest)
    | distance /= distances Map.! node -> search rest distances
    | otherwise -> uncurry search (foldl' (relax distance) (rest, distances) (graph Map.! node))

main :: IO ()
main = timed (1000003 * fromIntegral (Map.size distances) + Map.foldlWithKey' step 0 distances)
  where
    distances = search (Set.singleton (0, 0)) (Map.singleton 0 0)
    step acc node d = (31 * acc + d * node) `mod` 1000003
