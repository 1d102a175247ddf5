import qualified Data.Map.Strict as Map
import Data.List (foldl', mapAccumL)
import Numeric.Natural
import Timed

data Expr
  = Num Natural | Arg Int | Op String Expr Expr | If Expr Expr Expr | Call Name [Expr]
  deriving (Eq, Ord)

-- A function of the source has no arguments in its name.
type Name = (String, [Expr])
type Program = Map.Map Name Expr

operate :: String -> Natural -> Natural -> Natural
operate "add" a b = (a + b) `mod` 1000003
operate "mul" a b = (a * b) `mod` 1000003
operate "sub" a b = a - b
operate "div" a b = a `div` b
operate "rem" a b = a `mod` b
operate _ _ _ = error "unknown operation"

evaluate :: Program -> [Natural] -> Expr -> Natural
evaluate program args e = case e of
  Num n -> n
  Arg i -> args !! i
  Op name a b -> operate name (evaluate program args a) (evaluate program args b)
  If c a b -> evaluate program args (if evaluate program args c /= 0 then a else b)
  Call f es ->
    let values = map (evaluate program args) es
    in foldr seq () values `seq` evaluate program values (program Map.! f)

isKnown :: Expr -> Bool
isKnown (Num _) = True
isKnown _ = False

renumber :: [Expr] -> [Expr]
renumber = snd . mapAccumL step 0
  where
    step i e
      | isKnown e = (i, e)
      | otherwise = (i + 1, Arg i)

specialise :: Program -> [Expr] -> Expr -> Program -> (Expr, Program)
specialise program args e residual = case e of
  Num _ -> (e, residual)
  Arg i -> (args !! i, residual)
  Op name x y ->
    let (a, r1) = recur x residual
        (b, r2) = recur y r1
    in case (a, b) of
         (Num n, Num m) -> (Num (operate name n m), r2)
         _ -> (Op name a b, r2)
  If condition x y -> case recur condition residual of
    (Num n, r1) -> recur (if n /= 0 then x else y) r1
    (c, r1) ->
      let (a, r2) = recur x r1
          (b, r3) = recur y r2
      in (If c a b, r3)
  Call f xs -> call f (mapAccumL (\r x -> let (a, r') = recur x r in (r', a)) residual xs)
  where
    recur = specialise program args
    call f (r1, es)
      | all isKnown es = specialise program es (program Map.! f) r1
      | Map.member name r1 = (result, r1)
      | otherwise =
          let (body, r2) = specialise program (snd name) (program Map.! f)
                                      (Map.insert name (Num 0) r1)
          in (result, Map.insert name body r2)
      where
        name = (fst f, renumber es)
        result = Call name (filter (not . isKnown) es)

source :: Program
source = Map.fromList
  [ (("power", []), If n (If (Op "rem" n (Num 2)) (Op "mul" x (call "power" [x, less]))
      (call "square" [call "power" [x, Op "div" n (Num 2)]])) (Num 1))
  , (("square", []), Op "mul" x x)
  , (("sum", []), If n (Op "add" (call "power" [x, n]) (call "sum" [x, less])) (Num 0)) ]
  where
    call f = Call (f, [])
    x = Arg 0
    n = Arg 1
    less = Op "sub" n (Num 1)

result :: Natural -> Natural
result n = foldl' (+) 0 values + 1000000000 * fromIntegral (Map.size residual)
  where
    (e, residual) =
      specialise source [Arg 0, Num n] (Call ("sum", []) [Arg 0, Arg 1]) Map.empty
    values = map (\x -> evaluate residual [x] e) [0 .. 19]

main :: IO ()
main = timed (result 1200)
