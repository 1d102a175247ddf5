import Data.List (foldl')
import qualified Data.Map.Strict as Map
import qualified Data.Set as Set
import Numeric.Natural
import Timed

type Cells = Set.Set Natural

neighbours :: [Natural]
neighbours = [0, 1, 2, 1000, 1002, 2000, 2001, 2002]

crowd :: Cells -> Map.Map Natural Natural
crowd = Set.foldl' around Map.empty
  where
    around tab cell = foldl' (count cell) tab neighbours
    count cell tab offset = Map.insertWith (+) (cell + offset - 1001) 1 tab

step :: Cells -> Cells
step cells = Map.keysSet (Map.filterWithKey lives (crowd cells))
  where lives cell n = n == 3 || (n == 2 && Set.member cell cells)

run :: Natural -> Cells -> Cells
run 0 cells = cells
run n cells = next `seq` run (n - 1) next
  where next = step cells

check :: Cells -> Natural
check cells = Set.foldl' (\acc cell -> (cell + 31 * acc) `mod` 1000003) size cells
  where size = fromIntegral (Set.size cells)

main :: IO ()
main = timed (check (run 1000 (Set.fromList [499501, 499502, 500500, 500501, 501501])))
