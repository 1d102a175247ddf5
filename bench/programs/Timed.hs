-- Times a program from the start of its `main` to the evaluated result.
module Timed (timed) where

import GHC.Clock (getMonotonicTimeNSec)
import System.CPUTime (getCPUTime)
import System.IO

{-# NOINLINE timed #-}
timed :: Show a => a -> IO ()
timed result = do
  started <- getMonotonicTimeNSec
  startedCpu <- getCPUTime
  print result
  hFlush stdout
  now <- getMonotonicTimeNSec
  cpu <- getCPUTime
  putStrLn ("time: " ++ show (now - started) ++ " " ++ show ((cpu - startedCpu) `div` 1000))
