-- The baseline of `main.rs`: the same inserts and look-ups in Data.Map, with the same keys.
module Main (main) where

import Control.Exception (evaluate)
import Control.Monad (replicateM)
import Data.IORef (newIORef, readIORef)
import qualified Data.Map.Strict as Map
import GHC.Clock (getMonotonicTimeNSec)
import Numeric.Natural (Natural)

scatter :: Natural -> Natural
scatter x = (1013904223 + 1664525 * x) `mod` 4294967296

fill :: Natural -> Natural -> Map.Map Natural Natural -> Map.Map Natural Natural
fill 0 _ m = m
fill n x m = fill (n - 1) (scatter x) $! Map.insert x n m

sumUp :: Natural -> Natural -> Map.Map Natural Natural -> Natural -> Natural
sumUp 0 _ _ s = s
sumUp n x m s = sumUp (n - 1) (scatter x) m $! s + Map.findWithDefault 0 x m

-- The minimum time of many rounds, in microseconds.
{-# NOINLINE timed #-}
timed :: (Natural -> b) -> Natural -> IO Double
timed f n = do
  size <- newIORef n -- reading it in each round keeps GHC from sharing the result
  fmap minimum . replicateM 30 $ do
    before <- getMonotonicTimeNSec
    k <- readIORef size
    _ <- evaluate (f k)
    after <- getMonotonicTimeNSec
    pure (fromIntegral (after - before) / 1000)

main :: IO ()
main = do
  let n = 20000
  filled <- timed (\k -> fill k 1 Map.empty) n
  let m = fill n 1 Map.empty
  looked <- timed (\k -> sumUp k 1 m 0) n
  putStrLn (unwords [show filled, show looked, show (sumUp n 1 m 0)])
