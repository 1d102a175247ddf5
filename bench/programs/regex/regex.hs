import Data.Char (chr, ord)
import Numeric.Natural
import Timed

data Regex
  = None | Empty | Char Char | Alt Regex Regex | Seq Regex Regex | Star Regex
  deriving Eq

alt, andThen :: Regex -> Regex -> Regex
alt None b = b
alt a None = a
alt a b
  | a == b = a
  | otherwise = Alt a b

andThen None _ = None
andThen _ None = None
andThen Empty b = b
andThen a Empty = a
andThen a b = Seq a b

isNullable :: Regex -> Bool
isNullable None = False
isNullable Empty = True
isNullable (Char _) = False
isNullable (Alt a b) = isNullable a || isNullable b
isNullable (Seq a b) = isNullable a && isNullable b
isNullable (Star _) = True

derive :: Char -> Regex -> Regex
derive _ None = None
derive _ Empty = None
derive c (Char d) = if c == d then Empty else None
derive c (Alt a b) = alt (derive c a) (derive c b)
derive c (Seq a b)
  | isNullable a = alt first (derive c b)
  | otherwise = first
  where first = andThen (derive c a) b
derive c e@(Star a) = andThen (derive c a) e

matches :: Regex -> String -> Bool
matches e [] = isNullable e
matches e (c : cs)
  | next == None = False
  | otherwise = matches next cs
  where next = derive c e

word, oneOf :: String -> Regex
word = foldr (andThen . Char) Empty
oneOf = foldr (alt . Char) None

sample :: Regex
sample = foldr andThen Empty
  [ Star (oneOf "abc"), word "abc", Star (oneOf "ab"), Char 'c'
  , Star (alt (word "abc") (alt (word "cab") (word "b"))), Char 'c' ]

random :: Natural -> Natural
random seed = (12345 + 1103515245 * seed) `mod` 2147483648

letters :: Natural -> String
letters seed = map letter (take 24 (iterate random seed))
  where letter s = chr (ord 'a' + fromIntegral (s `div` 65536 `mod` 3))

main :: IO ()
main = timed (length (filter (matches sample . letters) (map (* 7919) [0 .. 23999])))
