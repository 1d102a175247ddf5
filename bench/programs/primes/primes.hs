import Numeric.Natural
import Timed

isPrime :: Natural -> [Natural] -> Bool
isPrime _ [] = True
isPrime n (p : rest)
  | p * p > n = True
  | n `mod` p == 0 = False
  | otherwise = isPrime n rest

primesFrom :: [Natural] -> Natural -> [Natural]
primesFrom self n
  | isPrime n self = n : primesFrom self (n + 2)
  | otherwise = primesFrom self (n + 2)

primes :: [Natural]
primes = 2 : 3 : primesFrom primes 5

main :: IO ()
main = timed (primes !! 9999)
