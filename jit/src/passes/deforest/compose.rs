//! Functions composed of a consumer and a producer.

use super::form::{Definitions, ListEvaluation, ListParam, is_small, tails};
use crate::ir::{
    Call, Callee, Function, FunctionId, FunctionRole, Op, Operand, Stmt, Terminator, Type, Unit,
    Var,
};
use foldhash::fast::FixedState;
use std::collections::{BTreeSet, HashMap};

/// The most functions that are made in a unit.
const FUNCTIONS_LIMIT: usize = 32;
/// The most functions that one composition makes.
const COMPOSITION_MAX: usize = 8;
/// The most calls of a function in another one that are written in place.
const COPIES_LIMIT: u32 = 2;

type Map<K, V> = HashMap<K, V, FixedState>;

/// A function, and the place among its parameters of the value that another one makes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Continuation {
    function: FunctionId,
    place: usize,
}

/// Makes the composed functions, each once.
#[derive(Default)]
pub(super) struct Composer {
    /// Consumers for producers.
    consumers: Map<(ListParam, FunctionId), FunctionId>,
    /// Copies of loops of which a turn is written in place.
    turns: Map<FunctionId, FunctionId>,
    compositions: Map<(Continuation, FunctionId), FunctionId>,
    /// The functions whose code is in a composed one. A function is not composed with its own code: the loop
    /// might compose it with itself in every turn.
    parts: Map<FunctionId, BTreeSet<FunctionId>>,
    made: usize,
    /// How often a function was copied for calls in another one.
    copies: Map<(FunctionId, FunctionId), u32>,
}

impl Composer {
    /// The consumer of what a producer makes, if it can be made: the function of a list parameter with the
    /// parameters of the producer in place of the list, at the end. `is_evaluated` says whether the
    /// function takes the list evaluated.
    pub(super) fn consumer(
        &mut self,
        unit: &mut Unit,
        list: ListParam,
        producer: FunctionId,
        is_evaluated: bool,
    ) -> Option<FunctionId> {
        if let Some(known) = self.consumers.get(&(list, producer)) {
            return Some(*known);
        }
        if !self.may_compose(unit, list.function, producer) {
            return None;
        }
        let consumer = if is_evaluated {
            let rest = Continuation { function: self.turn(unit, list.function), place: list.place };
            self.compose(unit, rest, producer)
        } else {
            self.lazy_consumer(unit, list, producer)
        };
        self.note_parts(consumer, [list.function, producer]);
        self.consumers.insert((list, producer), consumer);
        Some(consumer)
    }

    /// A copy of a consumer that takes its list evaluated: its calls of itself are those of the original, so the
    /// inliner may write a turn in place of a call.
    pub(super) fn turn(&mut self, unit: &mut Unit, consumer: FunctionId) -> FunctionId {
        if let Some(known) = self.turns.get(&consumer) {
            return *known;
        }
        let turn = unit.functions[consumer].clone();
        let turn = self.add(unit, Function { role: FunctionRole::Worker, ..turn });
        self.turns.insert(consumer, turn);
        turn
    }

    /// A copy of a consumer like [`turn`](Composer::turn) for a call in a function; `None` if there were such
    /// calls before, which would be those of a loop that is unrolled.
    pub(super) fn first_turn(
        &mut self,
        unit: &mut Unit,
        within: FunctionId,
        consumer: FunctionId,
    ) -> Option<FunctionId> {
        self.may_copy(within, consumer).then(|| self.turn(unit, consumer))
    }

    /// A copy of a producer for one call in a function, which the inliner writes in place of it; `None` if there
    /// were such calls before.
    pub(super) fn first_cell(
        &mut self,
        unit: &mut Unit,
        within: FunctionId,
        producer: FunctionId,
    ) -> Option<FunctionId> {
        if !self.may_copy(within, producer) {
            return None;
        }
        let copy = unit.functions[producer].clone();
        let copy = self.add(unit, Function { role: FunctionRole::Worker, ..copy });
        // The copy is written once: it is no producer of which another copy may be made.
        self.copies.insert((within, copy), COPIES_LIMIT);
        Some(copy)
    }

    fn may_copy(&mut self, within: FunctionId, copied: FunctionId) -> bool {
        let copies = self.copies.entry((within, copied)).or_default();
        *copies += 1;
        *copies <= COPIES_LIMIT && self.made < FUNCTIONS_LIMIT
    }

    fn may_compose(&self, unit: &Unit, consumer: FunctionId, producer: FunctionId) -> bool {
        let own = tails(unit, producer);
        let has_one_result = |id: &FunctionId| unit.functions[*id].results.len() == 1;
        let parts = |id: FunctionId| self.parts.get(&id).cloned().unwrap_or_else(|| [id].into());
        self.made + COMPOSITION_MAX <= FUNCTIONS_LIMIT
            && !own.is_empty()
            && own.iter().all(has_one_result)
            && is_small(unit, consumer)
            && own.iter().all(|id| parts(*id).is_disjoint(&parts(consumer)))
    }

    fn note_parts(&mut self, composed: FunctionId, of: [FunctionId; 2]) {
        let parts = of.into_iter().flat_map(|id| match self.parts.get(&id) {
            Some(parts) => parts.clone(),
            None => [id].into(),
        });
        let parts: BTreeSet<FunctionId> = parts.collect();
        self.parts.entry(composed).or_default().extend(parts);
    }

    fn add(&mut self, unit: &mut Unit, function: Function) -> FunctionId {
        self.made += 1;
        unit.functions.push(function)
    }

    /// The code of a producer that goes on with the continuation, which gets what the producer returns. Its
    /// parameters are the other ones of the continuation and those of the producer.
    fn compose(&mut self, unit: &mut Unit, rest: Continuation, producer: FunctionId) -> FunctionId {
        if let Some(known) = self.compositions.get(&(rest, producer)) {
            return *known;
        }
        let Function { law, results, .. } = unit.functions[rest.function].clone();
        let mut types = unit.functions[rest.function].param_types();
        types.remove(rest.place);
        // Reserved, because the producer may end with a call of itself.
        let id = self.add(unit, Function::new(FunctionRole::Worker));
        self.compositions.insert((rest, producer), id);
        let own = tails(unit, producer);
        let mut code = unit.functions[producer].clone();
        let kept: Vec<Var> = types.into_iter().map(|ty| code.new_var(ty)).collect();
        let kept_operands: Vec<Operand> = kept.iter().map(|var| (*var).into()).collect();
        for block in code.live_blocks() {
            let terminator = code.blocks[block].terminator.clone();
            let op = match terminator {
                Terminator::Return(results) => {
                    let call = rest.call(&kept_operands, results[0]);
                    code.blocks[block].terminator = Terminator::Tail(call);
                    continue;
                }
                Terminator::Tail(Call { callee: Callee::Local(next), args })
                    if own.contains(&next) =>
                {
                    let next = self.compose(unit, rest, next);
                    let args = [kept_operands.clone(), args].concat();
                    code.blocks[block].terminator = Terminator::Tail(Call::local(next, args));
                    continue;
                }
                Terminator::Enter(value) => Op::Force(value),
                Terminator::Tail(call) => Op::Call(call),
                _ => continue,
            };
            let ty = match &op {
                Op::Call(call) => unit.results_of(call)[0],
                _ => Type::Whnf,
            };
            let cell = code.new_var(ty);
            code.blocks[block].stmts.push(Stmt::Let(vec![cell], op));
            let call = rest.call(&kept_operands, cell.into());
            code.blocks[block].terminator = Terminator::Tail(call);
        }
        let params = [kept, code.params].concat();
        unit.functions[id] = Function { role: FunctionRole::Worker, law, params, results, ..code };
        id
    }

    /// The consumer of a list that may be unevaluated: the code of the function up to the evaluation of the
    /// list, and then the producer's, which goes on with the rest of the function.
    fn lazy_consumer(
        &mut self,
        unit: &mut Unit,
        list: ListParam,
        producer: FunctionId,
    ) -> FunctionId {
        let mut code = unit.functions[list.function].clone();
        let var = code.params.remove(list.place);
        let types = unit.functions[producer].param_types();
        let captures: Vec<Var> = types.into_iter().map(|ty| code.new_var(ty)).collect();
        let operands: Vec<Operand> = captures.iter().map(|var| (*var).into()).collect();
        if let Some(evaluation) = list.evaluation(unit) {
            let rest = rest_of(&unit.functions[list.function], list.place, &evaluation);
            let kept: Vec<Operand> = rest.param_operands();
            let place = kept.len() - 1;
            let rest = Continuation { function: self.add(unit, rest), place };
            let composed = self.compose(unit, rest, producer);
            let block = &mut code.blocks[evaluation.block];
            block.stmts.truncate(evaluation.index);
            let args = [&kept[..place], &operands].concat();
            block.terminator = Terminator::Tail(Call::local(composed, args));
        }
        code.params.extend(captures);
        if !Definitions::of(&code).is_unused(var) {
            let entry = code.entry;
            let thunk = Stmt::Let(vec![var], Op::Thunk(producer, operands));
            code.blocks[entry].stmts.insert(0, thunk);
        }
        let is_thunk = code.role == FunctionRole::Thunk;
        code.role = if is_thunk { FunctionRole::Thunk } else { FunctionRole::Worker };
        self.add(unit, code)
    }
}

impl Continuation {
    /// The call of the continuation with these other arguments and a value.
    fn call(self, kept: &[Operand], value: Operand) -> Call {
        let mut args = kept.to_vec();
        args.insert(self.place, value);
        Call::local(self.function, args)
    }
}

/// The code of a function after the evaluation of its list: a function of the variables that it uses, and, last,
/// the value of the list.
fn rest_of(function: &Function, place: usize, evaluation: &ListEvaluation) -> Function {
    let mut rest = function.clone();
    let list = rest.params.remove(place);
    let cell = evaluation.cell;
    let block = &function.blocks[evaluation.block];
    let entry = rest.new_block(block.terminator.clone());
    rest.blocks[entry].stmts = block.stmts[evaluation.index + 1..].to_vec();
    rest.entry = entry;
    rest.role = FunctionRole::Worker;
    for id in rest.live_blocks() {
        let block = &mut rest.blocks[id];
        let ops = block.stmts.iter_mut().flat_map(Stmt::ops_mut).flat_map(Op::operands_mut);
        for operand in ops.chain(block.terminator.operands_mut()) {
            if *operand == Operand::Var(list) {
                *operand = cell.into();
            }
        }
    }
    let definitions = Definitions::of(&rest);
    let defined = rest.params.iter().chain(&evaluation.before).copied();
    let mut params: Vec<Var> = defined.filter(|var| !definitions.is_unused(*var)).collect();
    params.push(cell);
    drop(definitions);
    rest.params = params;
    rest
}
