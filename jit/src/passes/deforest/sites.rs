//! The places where a list is passed from a producer to a consumer.

use super::compose::Composer;
use super::form::{Definitions, ListParam, is_small, produced_tail};
use crate::ir::{
    Block, BlockId, Call, Callee, Function, FunctionId, Op, Operand, Stmt, Terminator, Unit, Var,
};

/// The most places in one function that are rewritten in a round.
const EDITS_LIMIT: usize = 12;

/// A place of a call or thunk: a statement of a block, or its terminator.
#[derive(Clone, Copy)]
struct Place {
    block: BlockId,
    /// `None` for the terminator.
    stmt: Option<usize>,
}

/// A change of a function.
enum Edit {
    /// Another callee, or other code of a thunk, and its arguments. The statement that evaluated the list, if
    /// there is one, goes.
    Consume { place: Place, function: FunctionId, args: Vec<Operand>, evaluation: Option<usize> },
    /// Another callee for the same arguments.
    Copy { place: Place, function: FunctionId },
}

/// Rewrites the places in a function. Returns whether there was one.
pub(super) fn rewrite_sites(unit: &mut Unit, composer: &mut Composer, id: FunctionId) -> bool {
    for count in 0..EDITS_LIMIT {
        let function = unit.functions[id].clone();
        let Some(edit) = find_edit(unit, composer, (id, &function)) else { return count > 0 };
        apply(&mut unit.functions[id], edit);
    }
    true
}

/// A call or thunk of a function of the unit.
struct Passed<'f> {
    /// The function that the call or thunk is in.
    within: FunctionId,
    place: Place,
    callee: FunctionId,
    args: &'f [Operand],
    is_thunk: bool,
}

/// An argument of a call or thunk, and the function that it is in.
#[derive(Clone, Copy)]
struct Site<'s> {
    function: &'s Function,
    definitions: &'s Definitions<'s>,
    passed: &'s Passed<'s>,
    /// The place among the arguments.
    place: usize,
}

impl Site<'_> {
    /// The parameter that gets the argument.
    fn list(self) -> ListParam {
        ListParam { function: self.passed.callee, place: self.place }
    }

    /// The call or thunk of a consumer for a producer with these arguments, in place of this one.
    fn consume(
        self,
        function: FunctionId,
        producer: &[Operand],
        evaluation: Option<usize>,
    ) -> Edit {
        let other = self.passed.args.iter().enumerate().filter(|(index, _)| *index != self.place);
        let args = other.map(|(_, arg)| *arg).chain(producer.iter().copied()).collect();
        Edit::Consume { place: self.passed.place, function, args, evaluation }
    }
}

fn find_edit(
    unit: &mut Unit,
    composer: &mut Composer,
    (within, function): (FunctionId, &Function),
) -> Option<Edit> {
    let definitions = Definitions::of(function);
    for id in function.live_blocks() {
        let block = &function.blocks[id];
        for passed in passed_in(within, id, block) {
            for place in 0..passed.args.len() {
                let site = Site { function, definitions: &definitions, passed: &passed, place };
                let edit = consumed_evaluated(unit, composer, site)
                    .or_else(|| consumed(unit, composer, site))
                    .or_else(|| consumed_behind_first_cell(unit, composer, site));
                if edit.is_some() {
                    return edit;
                }
            }
        }
    }
    None
}

/// The calls and thunks of functions of the unit in a block.
fn passed_in(within: FunctionId, id: BlockId, block: &Block) -> Vec<Passed<'_>> {
    let stmts = block.stmts.iter().enumerate().filter_map(|(index, stmt)| {
        let place = Place { block: id, stmt: Some(index) };
        match stmt {
            Stmt::Let(_, Op::Thunk(callee, args)) => {
                Some(Passed { within, place, callee: *callee, args, is_thunk: true })
            }
            Stmt::Let(_, Op::Call(Call { callee: Callee::Local(callee), args })) => {
                Some(Passed { within, place, callee: *callee, args, is_thunk: false })
            }
            _ => None,
        }
    });
    let place = Place { block: id, stmt: None };
    let last = match &block.terminator {
        Terminator::Tail(Call { callee: Callee::Local(callee), args }) => {
            Some(Passed { within, place, callee: *callee, args, is_thunk: false })
        }
        _ => None,
    };
    stmts.chain(last).collect()
}

/// A call of a consumer with a cell that a producer has just made.
fn consumed_evaluated(unit: &mut Unit, composer: &mut Composer, site: Site<'_>) -> Option<Edit> {
    let Site { function, definitions, passed, place } = site;
    let cell = passed.args[place];
    if passed.is_thunk || !definitions.is_used_once(cell) {
        return None;
    }
    let list = site.list();
    let (producer, args) = match definitions.op(cell)? {
        Op::Row(items) => {
            // A first turn was written in place: so is this one.
            let is_consumed = items.iter().enumerate().any(|(index, item)| {
                definitions.single_use_thunk(*item).is_some_and(|(producer, _)| {
                    produced_tail(unit, producer) == Some(index as u64)
                        && list.is_consumed_evaluated(unit, index as u64)
                })
            });
            let function =
                is_consumed.then(|| composer.first_turn(unit, passed.within, passed.callee))??;
            return Some(Edit::Copy { place: passed.place, function });
        }
        Op::Force(thunk) => definitions.single_use_thunk(*thunk)?,
        Op::Call(Call { callee: Callee::Local(producer), args }) => (*producer, &args[..]),
        _ => return None,
    };
    let index = produced_tail(unit, producer)?;
    if !list.is_consumed_evaluated(unit, index) {
        return None;
    }
    let evaluation = movable_to(unit, function, cell, passed.place)?;
    let function = composer.consumer(unit, list, producer, true)?;
    Some(site.consume(function, args, Some(evaluation)))
}

/// The statement of the block that defines an operand, if it may as well come directly before a later place.
fn movable_to(unit: &Unit, function: &Function, operand: Operand, to: Place) -> Option<usize> {
    let block = &function.blocks[to.block];
    let from = block.stmts.iter().position(|stmt| match stmt {
        Stmt::Let(vars, _) => vars.len() == 1 && Operand::Var(vars[0]) == operand,
        _ => false,
    })?;
    let end = to.stmt.unwrap_or(block.stmts.len());
    let may_pass = |stmt: &Stmt| match stmt {
        Stmt::Let(_, op) => unit.is_total(function, op),
        Stmt::Rec(_) => true,
        Stmt::Join(_) => false,
    };
    block.stmts.get(from + 1..end)?.iter().all(may_pass).then_some(from)
}

/// A call or thunk of a consumer with a new thunk of a producer.
fn consumed(unit: &mut Unit, composer: &mut Composer, site: Site<'_>) -> Option<Edit> {
    let arg = site.passed.args[site.place];
    let (producer, args) = site.definitions.single_use_thunk(arg)?;
    let list = site.list();
    let index = produced_tail(unit, producer)?;
    if !list.is_consumed(unit, index) {
        return None;
    }
    let function = composer.consumer(unit, list, producer, false)?;
    Some(site.consume(function, args, None))
}

/// The call of a producer whose first cell was taken apart, and that goes, or whose tail goes, to a consumer: the
/// cell is made in place.
fn consumed_behind_first_cell(
    unit: &mut Unit,
    composer: &mut Composer,
    site: Site<'_>,
) -> Option<Edit> {
    let Site { function, definitions, passed, place } = site;
    let list = site.list();
    let arg = passed.args[place];
    let (tail, is_evaluated) = match definitions.op(arg)? {
        Op::Force(tail) if !passed.is_thunk && definitions.is_used_once(arg) => (*tail, true),
        _ => (arg, false),
    };
    let called = |operand| match definitions.op(operand)? {
        Op::Call(Call { callee: Callee::Local(producer), .. }) => Some(*producer),
        _ => None,
    };
    let (cell, producer, index, is_evaluated) = match called(arg) {
        Some(producer) if !passed.is_thunk => (arg, producer, produced_tail(unit, producer)?, true),
        _ => {
            let (cell, index) =
                definitions.item(tail).filter(|_| definitions.is_used_once(tail))?;
            (cell, called(cell)?, index, is_evaluated)
        }
    };
    let is_consumed = if is_evaluated {
        list.is_consumed_evaluated(unit, index)
    } else {
        list.is_consumed(unit, index)
    };
    let is_producer = is_small(unit, producer) && produced_tail(unit, producer) == Some(index);
    let is_read = arg != cell || definitions.is_used_once_besides_reads(cell);
    if !is_consumed || !is_producer || !is_read {
        return None;
    }
    let place = place_of(function, cell)?;
    let function = composer.first_cell(unit, passed.within, producer)?;
    Some(Edit::Copy { place, function })
}

/// The statement that defines an operand.
fn place_of(function: &Function, operand: Operand) -> Option<Place> {
    function.live_blocks().into_iter().find_map(|block| {
        let defines = |stmt: &Stmt| match stmt {
            Stmt::Let(vars, _) => vars.iter().any(|var: &Var| operand == (*var).into()),
            _ => false,
        };
        let stmt = function.blocks[block].stmts.iter().position(defines)?;
        Some(Place { block, stmt: Some(stmt) })
    })
}

fn apply(function: &mut Function, edit: Edit) {
    let (place, id, args, evaluation) = match edit {
        Edit::Consume { place, function, args, evaluation } => {
            (place, function, Some(args), evaluation)
        }
        Edit::Copy { place, function } => (place, function, None, None),
    };
    let block = &mut function.blocks[place.block];
    let (callee, own_args) = match place.stmt {
        Some(index) => match &mut block.stmts[index] {
            Stmt::Let(_, Op::Thunk(entry, captures)) => (entry, captures),
            Stmt::Let(_, Op::Call(Call { callee: Callee::Local(callee), args })) => (callee, args),
            _ => unreachable!("the place is that of a call or thunk"),
        },
        None => match &mut block.terminator {
            Terminator::Tail(Call { callee: Callee::Local(callee), args }) => (callee, args),
            _ => unreachable!("the place is that of a tail call"),
        },
    };
    *callee = id;
    if let Some(args) = args {
        *own_args = args;
    }
    if let Some(index) = evaluation {
        block.stmts.remove(index);
    }
}
