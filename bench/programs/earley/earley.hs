import Data.Array
import Data.List (foldl')
import qualified Data.Map.Strict as Map
import qualified Data.Set as Set
import Timed

data Symbol = Expr | Term | Digit | Char Char deriving (Eq, Ord)

type Item = (Int, Int, Int)
type Sets = [Set.Set Item]

grammar :: Array Int (Symbol, [Symbol])
grammar = listArray (0, 7)
  [ (Expr, [Expr, Char '+', Expr])
  , (Expr, [Expr, Char '*', Expr])
  , (Expr, [Term])
  , (Term, [Char '(', Expr, Char ')'])
  , (Term, [Digit])
  , (Digit, [Char '0'])
  , (Digit, [Char '1'])
  , (Digit, [Char '2']) ]

byHead :: Map.Map Symbol [Int]
byHead = foldr add Map.empty (assocs grammar)
  where add (i, (first, _)) = Map.insertWith (++) first [i]

afterDot :: Item -> Maybe Symbol
afterDot (production, dot, _) = case drop dot (snd (grammar ! production)) of
  [] -> Nothing
  symbol : _ -> Just symbol

advance :: Item -> Item
advance (production, dot, origin) = (production, dot + 1, origin)

follow :: Map.Map Int (Set.Set Item) -> Int -> Set.Set Item -> Item -> [Item]
follow sets i seen item@(production, _, origin) = case afterDot item of
  Nothing -> map advance (filter waits (Set.toList (if origin == i then seen else sets Map.! origin)))
  Just symbol -> map (\p -> (p, 0, i)) (Map.findWithDefault [] symbol byHead)
  where waits waiting = afterDot waiting == Just (fst (grammar ! production))

close :: Map.Map Int (Set.Set Item) -> Int -> Set.Set Item -> [Item] -> Set.Set Item
close _ _ seen [] = seen
close sets i seen (item : work)
  | Set.member item seen = close sets i seen work
  | otherwise = close sets i seen' (follow sets i seen' item ++ work)
  where seen' = Set.insert item seen

setsOf :: String -> Map.Map Int (Set.Set Item)
setsOf text0 = go Map.empty 0 text0 [(2, 0, 0), (1, 0, 0), (0, 0, 0)]
  where
    go sets i text work = case text of
      [] -> sets'
      c : rest ->
        go sets' (i + 1) rest
          (map advance (filter (\item -> afterDot item == Just (Char c)) (Set.toList set)))
      where
        set = close sets i Set.empty work
        sets' = Map.insert i set sets

isParse :: Item -> Bool
isParse item@(production, _, origin) =
  origin == 0 && afterDot item == Nothing && fst (grammar ! production) == Expr

sentence :: Int -> String
sentence 0 = "1"
sentence n = "(2+1)*" ++ sentence (n - 1)

result :: String -> Int
result text = 1000 * foldl' (\n s -> n + Set.size s) 0 sets + good
  where
    sets = setsOf text
    good = length (filter isParse (Set.toList (snd (Map.findMax sets))))

main :: IO ()
main = timed (result (sentence 180))
