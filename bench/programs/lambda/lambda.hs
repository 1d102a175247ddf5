import qualified Data.Map.Strict as Map
import Timed

data Term = Var String | Number Int | Lam String Term | App Term Term
  | Prim Op Term Term | When Term Term Term
data Op = Add | Sub | Mul | Less
data Value = Num !Int | Closure String Term Env
type Env = Map.Map String Value

primitive :: Op -> Int -> Int -> Value
primitive Add x y = Num (x + y)
primitive Sub x y = Num (max 0 (x - y))
primitive Mul x y = Num (x * y `mod` 1000003)
primitive Less x y = Num (if x < y then 1 else 0)

number :: Value -> Int
number (Num n) = n
number _ = error "not a number"

eval :: Env -> Term -> Value
eval env (Var x) = env Map.! x
eval _ (Number n) = Num n
eval env (Lam x b) = Closure x b env
eval env (Prim op a b) = primitive op (number (eval env a)) (number (eval env b))
eval env (When c a b) = if number (eval env c) /= 0 then eval env a else eval env b
eval env (App f x) = argument `seq` case eval env f of
  Num _ -> error "not a function"
  Closure y body scope -> eval (Map.insert y argument scope) body
  where argument = eval env x

app2 :: Term -> Term -> Term -> Term
app2 f x y = App (App f x) y
lam2 :: String -> String -> Term -> Term
lam2 x y b = Lam x (Lam y b)
z, fib, power, toNumber, program :: Term
z = Lam "f" (App half half)
  where half = Lam "x" (App (Var "f") (Lam "y" (app2 (Var "x") (Var "x") (Var "y"))))
fib = App z (lam2 "self" "n" (When (Prim Less (Var "n") (Number 2)) (Var "n")
  (Prim Add (App (Var "self") (Prim Sub (Var "n") (Number 1))) (App (Var "self") (Prim Sub (Var "n") (Number 2))))))
church :: Int -> Term
church n = lam2 "s" "z" (iterate (App (Var "s")) (Var "z") !! n)
power = lam2 "a" "b" (App (Var "b") (Var "a"))
toNumber = Lam "c" (app2 (Var "c") (Lam "i" (Prim Add (Var "i") (Number 1))) (Number 0))
program = Prim Add (App fib (Number 25)) (App toNumber (app2 power (church 4) (church 8)))

main :: IO ()
main = timed (number (eval Map.empty program))
