import qualified Data.Map.Strict as Map
import Control.Monad (foldM)
import qualified Data.Set as Set
import Numeric.Natural
import Timed

data Term = Var Natural | App String [Term] deriving (Eq, Ord)

type Subst = Map.Map Natural Term

equations :: Map.Map String [(Term, Term)]
equations = Map.fromListWith (flip (++)) [(f, [(l, r)]) | (l@(App f _), r) <- rules]
  where
    [p, q, r', s, u] = map Var [1, 2, 3, 4, 5]
    f0 name = App name []
    f1 name x = App name [x]
    f2 name x y = App name [x, y]
    if' x y z = App "if" [x, y, z]
    t = f0 "t"
    f = f0 "f"
    zero = f0 "zero"
    rules =
      [ (f2 "and" p q, if' p (if' q t f) f)
      , (f2 "or" p q, if' p t (if' q t f))
      , (f1 "not" p, if' p f t)
      , (f2 "implies" p q, if' p (if' q t f) t)
      , (f2 "iff" p q, f2 "and" (f2 "implies" p q) (f2 "implies" q p))
      , (if' (if' p q r') s u, if' p (if' q s u) (if' r' s u))
      , (f2 "plus" (f2 "plus" p q) r', f2 "plus" p (f2 "plus" q r'))
      , (f2 "plus" zero p, p)
      , (f2 "times" (f2 "plus" p q) r', f2 "plus" (f2 "times" p r') (f2 "times" q r'))
      , (f2 "times" zero p, zero)
      , (f2 "append" (f2 "append" p q) r', f2 "append" p (f2 "append" q r'))
      , (f1 "reverse" (f2 "append" p q), f2 "append" (f1 "reverse" q) (f1 "reverse" p))
      , (f1 "length" (f2 "append" p q), f2 "plus" (f1 "length" p) (f1 "length" q))
      , (f1 "length" (f1 "reverse" p), f1 "length" p)
      , (f2 "equal" (f2 "plus" p q) (f2 "plus" p r'), f2 "equal" q r')
      , (f2 "equal" (f2 "plus" p q) zero, f2 "and" (f2 "equal" p zero) (f2 "equal" q zero)) ]

match :: Term -> Term -> Subst -> Maybe Subst
match (Var p) t subst = case Map.lookup p subst of
  Nothing -> Just (Map.insert p t subst)
  Just old
    | old == t -> Just subst
    | otherwise -> Nothing
match (App f ps) (App g ts) subst
  | f == g && length ps == length ts = foldM (\s (p, t) -> match p t s) subst (zip ps ts)
match _ _ _ = Nothing

substitute :: Subst -> Term -> Term
substitute subst (Var x) = subst Map.! x
substitute subst (App f ts) = App f (map (substitute subst) ts)

rewrite :: Term -> Term
rewrite t@(Var _) = t
rewrite (App f ts) = try (Map.findWithDefault [] f equations)
  where
    t = App f (map rewrite ts)
    try [] = t
    try ((left, right) : more) = case match left t Map.empty of
      Nothing -> try more
      Just subst -> rewrite (substitute subst right)

isTautology :: Set.Set Term -> Set.Set Term -> Term -> Bool
isTautology true false t
  | holds t = True
  | fails t = False
  | otherwise = case t of
      App "if" [c, a, b]
        | holds c -> isTautology true false a
        | fails c -> isTautology true false b
        | otherwise ->
            isTautology (Set.insert c true) false a && isTautology true (Set.insert c false) b
      _ -> False
  where
    holds x = x == App "t" [] || Set.member x true
    fails x = x == App "f" [] || Set.member x false

statement :: Natural -> Term
statement i = App "equal" [a, App "plus" [b, App "zero" []]]
  where
    n = Var i
    a = App "plus" [App "plus" [n, Var 901], App "length" [App "reverse"
          [App "append" [n, App "append" [Var 902, n]]]]]
    b = App "plus" [n, App "times" [App "plus" [Var 903, n], App "plus" [Var 904, n]]]

theorem :: Natural -> Term
theorem n = App "implies" [hypotheses, App "implies" [statement 1000, statement (1000 + n)]]
  where
    step i = App "implies" [statement i, statement (i + 1)]
    hypotheses = foldr1 (\x y -> App "and" [x, y]) (map (\i -> step (1000 + i)) [0 .. n - 1])

size :: Term -> Natural
size (Var _) = 1
size (App _ ts) = 1 + sum (map size ts)

result :: Natural -> Natural
result n = 1000000 * size t + (if isTautology Set.empty Set.empty t then 1 else 0)
  where t = rewrite (theorem n)

main :: IO ()
main = timed (result 6)
