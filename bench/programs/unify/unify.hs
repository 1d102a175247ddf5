import Control.Monad (foldM)
import Data.List (foldl')
import qualified Data.Map.Strict as Map
import Numeric.Natural
import Timed

data Term = Var Natural | Fun String [Term]

type Subst = Map.Map Natural Term

walk :: Subst -> Term -> Term
walk subst t@(Var x) = maybe t (walk subst) (Map.lookup x subst)
walk _ t = t

occurs :: Subst -> Natural -> Term -> Bool
occurs subst x t = case walk subst t of
  Var y -> x == y
  Fun _ ts -> any (occurs subst x) ts

bind :: Subst -> Natural -> Term -> Maybe Subst
bind subst x t
  | occurs subst x t = Nothing
  | otherwise = Just (Map.insert x t subst)

unify :: Subst -> Term -> Term -> Maybe Subst
unify subst s t = case (walk subst s, walk subst t) of
  (Var x, Var y) | x == y -> Just subst
  (Var x, b) -> bind subst x b
  (a, Var y) -> bind subst y a
  (Fun f as, Fun g bs)
    | f /= g || length as /= length bs -> Nothing
    | otherwise -> foldM (\sub (a, b) -> unify sub a b) subst (zip as bs)

pairs, variables :: Natural -> Natural -> [Term]
pairs base n = map (\i -> Fun "pair" [Var (base + i), Var (base + i)]) [0 .. n - 1]
variables base n = map (\i -> Var (base + i + 1)) [0 .. n - 1]

problem :: Natural -> (Term, Term)
problem n =
  ( Fun "f" (variables 0 n ++ variables 100 n ++ [Var n])
  , Fun "f" (pairs 0 n ++ pairs 100 n ++ [Var (100 + n)]) )

size :: Subst -> Term -> Natural
size subst t = case walk subst t of
  Var _ -> 1
  Fun _ ts -> foldl' (\n x -> n + size subst x) 1 ts

solve :: Natural -> Natural
solve n = case uncurry (unify Map.empty) (problem n) of
  Nothing -> 0
  Just subst -> fromIntegral (Map.size subst) + size subst (Var n)

main :: IO ()
main = timed (foldl' (\acc n -> solve n + 3 * acc) 0 [1 .. 16])
