import Data.Array
import Numeric.Natural
import Timed

data Instruction
  = Push Natural | Load Int | Store Int | Add | Mul | Div | Mod | Less
  | Jump Int | JumpIfNot Int | Halt

program :: Array Int Instruction
program = listArray (0, 51)
  [ Push 1, Store 0
  , Load 0, Push 9000, Less, JumpIfNot 39
  , Load 0, Store 1, Push 1, Store 2
  , Push 1, Load 1, Less, JumpIfNot 28
  , Load 1, Push 2, Mod, JumpIfNot 34
  , Load 1, Push 3, Mul, Push 1, Add, Store 1
  , Load 2, Push 1, Add, Jump 44
  , Load 3, Load 2, Less, JumpIfNot 46
  , Load 2, Jump 50
  , Load 1, Push 2, Div, Store 1, Jump 24
  , Load 3, Halt, Halt, Halt, Halt
  , Store 2, Jump 10
  , Load 0, Push 1, Add, Jump 1
  , Store 3, Jump 46 ]

run :: Array Int Instruction -> Int -> [Natural] -> Array Int Natural -> Natural
run code pc stack vars = case code ! pc of
  Push n -> go (n : stack) vars
  Load i -> go (vars ! i : stack) vars
  Store i -> case stack of
    x : rest -> x `seq` go rest (vars // [(i, x)])
    [] -> error "empty stack"
  Add -> binary (+)
  Mul -> binary (*)
  Div -> binary div
  Mod -> binary mod
  Less -> binary (\x y -> if x < y then 1 else 0)
  Jump to -> run code to stack vars
  JumpIfNot to -> case stack of
    x : rest
      | x /= 0 -> go rest vars
      | otherwise -> run code to rest vars
    [] -> error "empty stack"
  Halt -> head stack
  where
    go = run code (pc + 1)
    binary f = case stack of
      y : x : rest -> go (f x y : rest) vars
      _ -> error "empty stack"

main :: IO ()
main = timed (run program 0 [] (listArray (0, 3) [0, 0, 0, 0]))
