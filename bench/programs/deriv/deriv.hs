{-# LANGUAGE BangPatterns #-}
import Numeric.Natural
import Timed

data Expr = Num Natural | Var | Add Expr Expr | Mul Expr Expr | Pow Expr Natural
  deriving Eq

plus, times :: Expr -> Expr -> Expr
plus (Num 0) b = b
plus a (Num 0) = a
plus (Num a) (Num b) = Num (a + b)
plus a b = Add a b

times (Num 0) _ = Num 0
times _ (Num 0) = Num 0
times (Num 1) b = b
times a (Num 1) = a
times (Num a) (Num b) = Num (a * b)
times a b = Mul a b

power :: Expr -> Natural -> Expr
power _ 0 = Num 1
power a 1 = a
power a n = Pow a n

derivative :: Expr -> Expr
derivative (Num _) = Num 0
derivative Var = Num 1
derivative (Add a b) = plus (derivative a) (derivative b)
derivative (Mul a b) = plus (times a (derivative b)) (times (derivative a) b)
derivative (Pow a n) = times (times (Num n) (power a (n - 1))) (derivative a)

evalAt :: Natural -> Expr -> Natural
evalAt x e = (`mod` 1000003) $ case e of
  Num n -> n
  Var -> x
  Add a b -> evalAt x a + evalAt x b
  Mul a b -> evalAt x a * evalAt x b
  Pow a n -> evalAt x a ^ n

polynomial :: Natural -> Expr
polynomial k = plus (times (power shifted 5) cubic) (power Var 4)
  where
    shifted = plus Var (Num k)
    cubic = plus (times (Num k) (power Var 3)) (plus Var (Num 7))

rounds :: Natural -> Natural -> Natural
rounds 0 !acc = acc
rounds k !acc = rounds (k - 1) (acc + evalAt k fourth)
  where fourth = derivative (derivative (derivative (derivative (polynomial k))))

main :: IO ()
main = timed (rounds 15000 0)
