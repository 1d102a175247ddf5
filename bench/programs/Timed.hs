{-# LANGUAGE ForeignFunctionInterface #-}
-- Times a program from the start of its `main` to the evaluated result.
module Timed (timed) where

import Data.Int (Int64)
import Foreign.C.Types (CInt (..))
import Foreign.Marshal.Array (allocaArray, peekArray)
import Foreign.Ptr (Ptr)
import GHC.Clock (getMonotonicTimeNSec)
import System.IO

foreign import ccall unsafe "clock_gettime" clockGetTime :: CInt -> Ptr Int64 -> IO CInt

-- The CPU time of the thread, in nanoseconds. Under a limit of CPU time, Linux advances that of the process only
-- once in 4 ms.
getThreadTime :: IO Int64
getThreadTime = allocaArray 2 $ \time -> do
  _ <- clockGetTime 3 time
  parts <- peekArray 2 time
  pure (1000000000 * head parts + last parts)

{-# NOINLINE timed #-}
timed :: Show a => a -> IO ()
timed result = do
  started <- getMonotonicTimeNSec
  startedCpu <- getThreadTime
  print result
  hFlush stdout
  now <- getMonotonicTimeNSec
  cpu <- getThreadTime
  putStrLn ("time: " ++ show (now - started) ++ " " ++ show (cpu - startedCpu))
