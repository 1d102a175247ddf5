{-# LANGUAGE BangPatterns #-}
import qualified Data.Map.Strict as Map
import Data.List (foldl')
import Timed

data Cache = Cache { entries :: !(Map.Map Int (Int, Int)), order :: !(Map.Map Int Int),
  clock :: !Int, hits :: !Int, misses :: !Int }

random :: Int -> Int
random s = (12345 + 1103515245 * s) `mod` 2147483648

request :: Int -> Int
request s = if x `mod` 4 /= 0 then x `mod` 700 else x `mod` 9000 where x = s `div` 65536

evict :: Int -> Cache -> Cache
evict cap c
  | Map.size (entries c) <= cap = c
  | otherwise = c { entries = Map.delete (order c Map.! oldest) (entries c), order = Map.delete oldest (order c) }
  where (oldest, _) = Map.findMin (order c)

store :: Int -> Int -> Cache -> Cache
store k v c = c { entries = Map.insert k (v, clock c) (entries c), order = Map.insert (clock c) k (order c), clock = clock c + 1 }

access :: Int -> (Int, Cache) -> Int -> (Int, Cache)
access cap (!total, !c) k = case Map.lookup k (entries c) of
  Nothing -> let v = k * k `mod` 9973 in (total + v, evict cap (store k v c { misses = misses c + 1 }))
  Just (v, stamp) -> (total + v, store k v c { order = Map.delete stamp (order c), hits = hits c + 1 })

main :: IO ()
main = timed (let (s, c) = foldl' (access 500) (0, Cache Map.empty Map.empty 0 0 0) (map request (take 60000 (iterate random 1)))
              in s + 1000000000 * hits c)
