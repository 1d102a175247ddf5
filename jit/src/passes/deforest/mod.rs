//! Deforestation of lists: a list that one function reads, cell by cell, and another makes, cell by cell, is not
//! made. (Wadler, "Deforestation: transforming programs to eliminate trees", 1990. The unit of the
//! transformation is that of GHC's `SpecConstr`, Peyton Jones, "Call-pattern specialisation for Haskell
//! programs", ICFP 2007: a copy of a function for one form of an argument; the form is a new thunk.)
//!
//! A *producer* ends with a cell whose tail is a thunk of the producer itself. A *consumer* evaluates a
//! parameter, and passes the tail of the cell on to itself in the same place.
//!
//! ```text
//! before  v1 = call f1(v0); tail call f2(0, v1)               f1 ends with row(v5, v6), v6 = thunk f1(v4)
//!                                                             f2 ends with tail call f2(v7, v9), v9 = force (item v1, 1)
//! after   tail call f3(0, v0)                                 f3 is the code of f1, and of f2 at each end of that
//! ```
//!
//! The consumer for a producer takes the producer's arguments in place of the list ([`compose`]). Once its
//! parts are inlined into each other, the cell and its thunk have no other use, and the consumer calls
//! itself with the arguments of the next cell. No work is repeated and nothing is evaluated earlier, because
//! the thunk has one use. A consumer that makes another list, such as `map`, is a producer for the next one.
//!
//! A consumer of which a first turn was inlined, and a producer of which a first cell was, are
//! handled by copies that the inliner writes in place: see [`sites`].

mod compose;
mod form;
mod sites;

use self::compose::Composer;
use self::sites::rewrite_sites;
use super::simplify::{SimplifyOptions, simplify};
use crate::ir::{Function, FunctionId, Unit};

/// The most rounds. A list takes about four: one finds it, one writes a first cell in place, one closes the loop.
const ROUNDS: usize = 16;
/// Rounds in a row that find nothing before the pass ends: the simplifier takes several to move the code behind a
/// join point to the cell that is passed to it.
const IDLE_ROUNDS: usize = 3;
/// Larger units are left alone: their functions are not inlined any more, so nothing would be won.
const UNIT_LIMIT: usize = 1200;

/// Removes lists from a unit.
pub(super) fn deforest(unit: &mut Unit) {
    let mut composer = Composer::default();
    let mut idle = IDLE_ROUNDS;
    for _ in 0..ROUNDS {
        let size: usize = unit.functions.values().map(Function::size).sum();
        let has_changed = size <= UNIT_LIMIT && rewrite_all(unit, &mut composer);
        idle = if has_changed { 0 } else { idle + 1 };
        if idle > IDLE_ROUNDS {
            return;
        }
        simplify(unit, SimplifyOptions { inline: true, ..Default::default() });
    }
}

/// Rewrites the sites of all functions that there are now. Returns whether there was one.
fn rewrite_all(unit: &mut Unit, composer: &mut Composer) -> bool {
    let ids: Vec<FunctionId> = unit.functions.keys().collect();
    let mut has_changed = false;
    for id in ids {
        has_changed |= rewrite_sites(unit, composer, id);
    }
    has_changed
}
