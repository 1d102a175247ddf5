{-# LANGUAGE BangPatterns #-}
import Data.List (foldl')
import qualified Data.Map.Strict as Map
import qualified Data.Set as Set
import Numeric.Natural
import Timed

data Expr = Num Natural | Var String | Lam String Expr | App Expr Expr | Let String Expr Expr
data Type = TVar Natural | Con String [Type] deriving Eq

type Subst = Map.Map Natural Type
data Scheme = Scheme (Set.Set Natural) Type
type Env = Map.Map String Scheme
data State = State !Natural !Subst

walk :: Subst -> Type -> Type
walk subst t@(TVar x) = maybe t (walk subst) (Map.lookup x subst)
walk _ t = t

resolve :: Subst -> Type -> Type
resolve subst t = case walk subst t of
  Con f ts -> Con f (map (resolve subst) ts)
  u -> u

free :: Type -> Set.Set Natural
free (TVar x) = Set.singleton x
free (Con _ ts) = Set.unions (map free ts)

bind :: Natural -> Type -> Subst -> Subst
bind x t subst
  | u == TVar x = subst
  | Set.member x (free u) = error "infinite type"
  | otherwise = Map.insert x u subst
  where u = resolve subst t

unify :: Subst -> (Type, Type) -> Subst
unify subst (s, t) = case (walk subst s, walk subst t) of
  (TVar x, b) -> bind x b subst
  (a, TVar y) -> bind y a subst
  (Con f as, Con g bs)
    | f /= g -> error "different types"
    | otherwise -> foldl' unify subst (zip as bs)

instantiate :: Scheme -> State -> (Type, State)
instantiate (Scheme variables t) (State next subst) =
  (go t, State (next + fromIntegral (Set.size variables)) subst)
  where
    names = Map.fromList (zip (Set.toList variables) (map TVar [next ..]))
    go u@(TVar x) = Map.findWithDefault u x names
    go (Con f ts) = Con f (map go ts)

generalise :: Env -> Type -> Subst -> Scheme
generalise env t subst = Scheme (Set.difference (free u) bound) u
  where
    u = resolve subst t
    bound = Map.foldl' add Set.empty env
    add set (Scheme variables s) =
      Set.union set (Set.difference (free (resolve subst s)) variables)

fun :: Type -> Type -> Type
fun a b = Con "fun" [a, b]

infer :: Env -> Expr -> State -> (Type, State)
infer env e state@(State next subst) = case e of
  Num _ -> (Con "int" [], state)
  Var x -> instantiate (env Map.! x) state
  Lam x body ->
    let (t, state') = infer (Map.insert x (Scheme Set.empty (TVar next)) env) body
                            (State (next + 1) subst)
    in (fun (TVar next) t, state')
  App f arg ->
    let (funType, s1) = infer env f state
        (argType, State result s2) = infer env arg s1
    in (TVar result, State (result + 1) (unify s2 (funType, fun argType (TVar result))))
  Let x value body ->
    let (t, s1@(State _ s)) = infer env value state
        !scheme = generalise env t s
    in infer (Map.insert x scheme env) body s1

call :: String -> [String] -> Expr
call f xs = foldl' App (Var f) (map Var xs)

successor :: Expr
successor = Lam "n" (Lam "f" (Lam "x" (App (Var "f") (call "n" ["f", "x"]))))

numeral :: Natural -> String
numeral i = "c" ++ show i

program :: Natural -> Expr
program count = Let "succ" successor (Let "c0" (Lam "f" (Lam "x" (Var "x"))) (go 0))
  where
    go i
      | i == count = Lam "f" (Lam "x" (call (numeral i) ["f", "x"]))
      | otherwise = Let (numeral (i + 1)) (call "succ" [numeral i]) (go (i + 1))

size :: Type -> Natural
size (TVar _) = 1
size (Con _ ts) = 1 + sum (map size ts)

result :: Natural -> Natural
result count = size (resolve subst t) + 1000000 * (next + fromIntegral (Map.size subst))
  where (t, State next subst) = infer Map.empty (program count) (State 0 Map.empty)

main :: IO ()
main = timed (result 800)
