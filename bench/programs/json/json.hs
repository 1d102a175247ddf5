import Data.Char (isDigit, ord)
import Data.List (foldl', intercalate)
import qualified Data.Map as Map
import Numeric.Natural
import Timed

data Json
  = Null | Bool Bool | Num Natural | Str String | Arr [Json] | Obj (Map.Map String Json)

showText :: String -> String
showText s = "\"" ++ s ++ "\""

showItems :: Char -> [String] -> Char -> String
showItems open items close = [open] ++ intercalate "," items ++ [close]

showJson :: Json -> String
showJson Null = "null"
showJson (Bool b) = if b then "true" else "false"
showJson (Num n) = show n
showJson (Str s) = showText s
showJson (Arr xs) = showItems '[' (map showJson xs) ']'
showJson (Obj tab) = showItems '{' (map pair (Map.toList tab)) '}'
  where pair (key, x) = showText key ++ ":" ++ showJson x

parseText :: String -> String -> (String, String)
parseText acc ('"' : cs) = (reverse acc, cs)
parseText acc (c : cs) = parseText (c : acc) cs
parseText _ [] = error "no quotation mark"

parseItems :: Char -> (String -> (a, String)) -> [a] -> String -> ([a], String)
parseItems close item acc cs = case cs of
  c : more | c == close -> (reverse acc, more)
  ',' : more -> parseItems close item acc more
  _ -> let (x, more) = item cs in parseItems close item (x : acc) more

parseJson :: String -> (Json, String)
parseJson cs = case cs of
  'n' : _ -> (Null, drop 4 cs)
  't' : _ -> (Bool True, drop 4 cs)
  'f' : _ -> (Bool False, drop 5 cs)
  '"' : more -> let (s, rest) = parseText [] more in (Str s, rest)
  '[' : more -> let (xs, rest) = parseItems ']' parseJson [] more in (Arr xs, rest)
  '{' : more ->
    let (pairs, rest) = parseItems '}' pair [] more in (Obj (Map.fromList pairs), rest)
  _ -> let (n, rest) = span isDigit cs
       in (Num (foldl' (\m c -> 10 * m + fromIntegral (ord c - ord '0')) 0 n), rest)
  where
    pair text =
      let (key, rest) = parseText [] (tail text)
          (x, more) = parseJson (tail rest)
      in ((key, x), more)

document :: Int -> Natural -> Json
document 0 n = case n `mod` 4 of
  0 -> Null
  1 -> Bool (n `mod` 3 /= 0)
  2 -> Num n
  _ -> Str "some text"
document depth n = Obj (Map.fromList
  [ ("id", Num n)
  , ("kids", Arr (map (\i -> document (depth - 1) (i + 5 * n)) [0 .. 4]))
  , ("title", Str ("node " ++ show n)) ])

rounds :: Int -> String -> Natural
rounds 0 text = foldl' (\acc c -> (fromIntegral (ord c) + 31 * acc) `mod` 1000003) 0 text
rounds n text = length next `seq` rounds (n - 1) next
  where next = showJson (fst (parseJson text))

main :: IO ()
main = timed (rounds 30 (showJson (document 5 0)))
