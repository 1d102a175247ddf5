//! Which variables are the only reference to a table, row or set, so that its next edit may change
//! it in place.
//!
//! An *owned* variable gets its value from an edit, from another owned variable that is not used any
//! more, or from elsewhere. In the last case the code removes the mark of a former owner where the
//! value enters ([`vm::native::Helper::Disown`]), so the first edit copies. An owned variable is only
//! read by operations that keep no reference to it, and used up in one place on each path: by an
//! edit, which changes the parts that earlier edits in the same chain have made; by a jump, a call or
//! a return that passes it to another owned variable; or by its last use, such as a row that it becomes
//! an item of, where it becomes a value like any other. `plan/src/heap/ownership.rs` has the rules of
//! the heap.
//!
//! A thunk, row or closure may keep the value of an owned variable that is used later: the code
//! disowns the value first ([`Ownership::shared_at`]), so the next edit copies. This makes edits dearer,
//! not cheaper, unless there is a path on which they change a value in place. Such a thunk is often
//! made only where a value could not be computed at once.
//!
//! Owned are parameters of join points, parameters and results of workers, and results of edits and
//! of calls of workers. The analysis begins with all of these that have the type of evaluated values,
//! removes those with another use until none is left, and then those that no edit reaches, or that
//! reach no edit. Removing one is always sound. Each kind of collection is analysed alone, because an
//! operation that only reads one kind may take another apart.

use super::boxes::is_allocation;
use super::delayed::DelayedCall;
use super::liveness::{live_before, live_in_join};
use crate::analysis::call_graph::tail_calls;
use crate::analysis::collections::{Collection, edited, jet_operation, read};
use crate::ir::{
    Block, BlockId, Call, Callee, Function, FunctionId, FunctionRole, JoinId, Op, Operand, Prim,
    Stmt, Terminator, Type, Unit, Var,
};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::Range;

/// Something that may be owned.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Owned {
    Var(FunctionId, Var),
    /// A result of a worker.
    Result(FunctionId, usize),
}

/// The owned variables and results of the functions of a unit.
#[derive(Default)]
pub(super) struct Ownership {
    owned: HashSet<(Collection, Owned)>,
    /// The owned variables that a statement of a block keeps and that are used later, by the
    /// statement's index in the block.
    shared: HashMap<(FunctionId, BlockId), Vec<(usize, Var)>>,
}

impl Ownership {
    /// Analyses the functions of a unit.
    pub(super) fn of(unit: &Unit, functions: &[Function]) -> Ownership {
        let mut found = Ownership::default();
        for kind in Collection::ALL {
            let edits = |call: &Call| jet_edit(unit, kind, call).is_some();
            let has_edit = |function: &Function| {
                let is_edit = |op: &Op| matches!(op, Op::Call(call) if edits(call));
                function.live_ops().any(is_edit) || tail_calls(function).any(edits)
            };
            if functions.iter().any(has_edit) {
                let analysis = OwnershipAnalysis::new(unit, functions, kind).run();
                analysis.add_shared(&mut found.shared);
                found.owned.extend(analysis.owned.into_iter().map(|owned| (kind, owned)));
            }
        }
        found
    }

    /// Whether a variable is owned, as a collection of that kind.
    pub(super) fn owns(&self, kind: Collection, function: FunctionId, operand: Operand) -> bool {
        match operand {
            Operand::Var(var) => self.owned.contains(&(kind, Owned::Var(function, var))),
            _ => false,
        }
    }

    /// Whether a result of a function is owned, as a collection of that kind.
    pub(super) fn owns_result(&self, kind: Collection, function: FunctionId, index: usize) -> bool {
        self.owned.contains(&(kind, Owned::Result(function, index)))
    }

    /// Whether a value that enters an owned variable or result may have the mark of a former owner.
    fn is_foreign(
        &self,
        function: FunctionId,
        operand: Operand,
        is_owned: impl Fn(Collection) -> bool,
    ) -> bool {
        let passes = |kind| is_owned(kind) && !self.owns(kind, function, operand);
        !matches!(operand, Operand::Small(_)) && Collection::ALL.into_iter().any(passes)
    }

    /// The owned variables that the statements of a block with these indices keep and that are used
    /// later.
    pub(super) fn shared_at(
        &self,
        place: (FunctionId, BlockId),
        statements: Range<usize>,
    ) -> impl Iterator<Item = Var> + use<'_> {
        let shared = self.shared.get(&place).map_or(&[][..], Vec::as_slice);
        shared.iter().filter(move |(at, _)| statements.contains(at)).map(|(_, var)| *var)
    }

    /// Whether an operand that is passed to a variable has to be disowned.
    pub(super) fn is_foreign_to(
        &self,
        (function, operand): (FunctionId, Operand),
        (target, var): (FunctionId, Var),
    ) -> bool {
        self.is_foreign(function, operand, |kind| self.owns(kind, target, Operand::Var(var)))
    }

    /// Whether an operand that a function returns has to be disowned.
    pub(super) fn is_foreign_to_result(
        &self,
        function: FunctionId,
        operand: Operand,
        index: usize,
    ) -> bool {
        self.is_foreign(function, operand, |kind| self.owns_result(kind, function, index))
    }
}

/// The operand that a call edits, if it is of that kind.
fn jet_edit(unit: &Unit, kind: Collection, call: &Call) -> Option<Operand> {
    let (edited_kind, operand) = edited(jet_operation(unit, call)?, &call.args)?;
    (edited_kind == kind).then_some(operand)
}

/// The analysis for one kind of collection.
struct OwnershipAnalysis<'u> {
    unit: &'u Unit,
    functions: &'u [Function],
    kind: Collection,
    /// What may still be owned.
    owned: HashSet<Owned>,
}

/// A use of a variable.
enum Use {
    /// Keeps no reference.
    Read,
    /// Passes the variable on as the only reference.
    UsedUp,
    /// Any other.
    Kept,
}

impl<'u> OwnershipAnalysis<'u> {
    fn new(unit: &'u Unit, functions: &'u [Function], kind: Collection) -> OwnershipAnalysis<'u> {
        OwnershipAnalysis { unit, functions, kind, owned: HashSet::new() }
    }

    fn run(mut self) -> OwnershipAnalysis<'u> {
        self.add_candidates();
        loop {
            let mut refuted = HashSet::new();
            for (id, function) in self.numbered_functions() {
                self.refute(id, function, &mut refuted);
            }
            let before = self.owned.len();
            self.owned.retain(|owned| !refuted.contains(owned));
            if self.owned.len() == before {
                break;
            }
        }
        self.prune();
        self
    }

    fn numbered_functions(&self) -> impl Iterator<Item = (FunctionId, &'u Function)> + use<'u> {
        let number = |index: usize| FunctionId::from_u32(index as u32);
        self.functions.iter().enumerate().map(move |(index, function)| (number(index), function))
    }

    /// Whether all calls of a function are calls in this unit that name it.
    fn has_known_callers(&self, id: FunctionId, function: &Function) -> bool {
        function.role == FunctionRole::Worker
            && id != FunctionId::ROOT
            && !self.unit.constants.values().any(|constant| constant.entry == Some(id))
    }

    fn add_candidates(&mut self) {
        for (id, function) in self.numbered_functions() {
            let mut vars: Vec<Var> = Vec::new();
            if self.has_known_callers(id, function) {
                vars.extend(&function.params);
                let results = function.results.iter().enumerate();
                let values = results.filter(|(_, ty)| may_be_owned(**ty));
                self.owned.extend(values.map(|(index, _)| Owned::Result(id, index)));
            }
            for block in function.live_blocks() {
                for stmt in &function.blocks[block].stmts {
                    match stmt {
                        Stmt::Join(join) => vars.extend(&function.joins[*join].params),
                        Stmt::Let(defined, op) if self.may_return_owned(op) => {
                            vars.extend(defined);
                        }
                        _ => {}
                    }
                }
            }
            let values = vars.into_iter().filter(|var| may_be_owned(function.vars[*var]));
            self.owned.extend(values.map(|var| Owned::Var(id, var)));
        }
    }

    fn may_return_owned(&self, op: &Op) -> bool {
        match op {
            Op::Call(call) => {
                matches!(call.callee, Callee::Local(_))
                    || jet_edit(self.unit, self.kind, call).is_some()
            }
            Op::Force(_) => true,
            _ => self.delayed_edit(op).is_some(),
        }
    }

    /// The operand that a thunk edits, if it is one of an edit of that kind that may be made at once.
    fn delayed_edit(&self, op: &Op) -> Option<Operand> {
        let delayed = DelayedCall::of(self.unit, op)?;
        let (kind, operand) = edited(delayed.operation, &delayed.args)?;
        // The edit of a row that is made at once is a copy.
        (kind == self.kind && kind != Collection::Row).then_some(operand)
    }

    /// Whether a thunk only reads an operand if its call is made at once.
    fn is_delayed_read(&self, op: &Op, operand: Operand) -> bool {
        let Some(delayed) = DelayedCall::of(self.unit, op) else { return false };
        read(self.kind, delayed.operation, &delayed.args) == Some(operand)
            && occurs_once(&delayed.args, operand)
    }

    fn owns(&self, function: FunctionId, operand: Operand) -> bool {
        matches!(operand, Operand::Var(var) if self.owned.contains(&Owned::Var(function, var)))
    }

    /// Adds to `refuted` what is not owned, by the code of one function.
    fn refute(&self, id: FunctionId, function: &Function, refuted: &mut HashSet<Owned>) {
        for block in function.live_blocks() {
            let block = &function.blocks[block];
            for (index, stmt) in block.stmts.iter().enumerate() {
                self.refute_defined(id, stmt, refuted);
                let used: BTreeSet<Var> =
                    self.owned_operands(id, stmt.ops().flat_map(Op::operands));
                for var in used {
                    let is_owned = match self.use_in(stmt, var) {
                        Use::Read => true,
                        Use::Kept if is_passed_twice(stmt, var) => false,
                        Use::Kept if is_allocation(stmt) => true,
                        // A value that another one keeps is a value like any other from here on.
                        Use::Kept | Use::UsedUp => !is_live_after(function, block, index, var),
                    };
                    if !is_owned {
                        refuted.insert(Owned::Var(id, var));
                    }
                }
            }
            for var in self.owned_operands(id, block.terminator.operands().into_iter()) {
                if !self.ends_well(function, &block.terminator, var) {
                    refuted.insert(Owned::Var(id, var));
                }
            }
            self.refute_results(id, function, &block.terminator, refuted);
        }
    }

    /// Adds to `refuted` the variables that a statement defines as values that are not owned.
    fn refute_defined(&self, id: FunctionId, stmt: &Stmt, refuted: &mut HashSet<Owned>) {
        match stmt {
            Stmt::Let(vars, Op::Call(Call { callee: Callee::Local(callee), .. })) => {
                for (result, var) in vars.iter().enumerate() {
                    if !self.owned.contains(&Owned::Result(*callee, result)) {
                        refuted.insert(Owned::Var(id, *var));
                    }
                }
            }
            Stmt::Let(vars, Op::Force(value)) if !self.owns(id, *value) => {
                refuted.extend(vars.iter().map(|var| Owned::Var(id, *var)));
            }
            _ => {}
        }
    }

    /// Adds the owned variables that a statement keeps and that are used later.
    fn add_shared(&self, shared: &mut HashMap<(FunctionId, BlockId), Vec<(usize, Var)>>) {
        for (id, function) in self.numbered_functions() {
            for block_id in function.live_blocks() {
                let at = self.shared_in(id, function, &function.blocks[block_id]);
                if !at.is_empty() {
                    shared.entry((id, block_id)).or_default().extend(at);
                }
            }
        }
    }

    /// The owned variables that a statement of the block keeps and that are used later, with the
    /// statement's index.
    fn shared_in(&self, id: FunctionId, function: &Function, block: &Block) -> Vec<(usize, Var)> {
        let mut shared = Vec::new();
        for (index, stmt) in block.stmts.iter().enumerate().filter(|(_, it)| is_allocation(it)) {
            let used = self.owned_operands(id, stmt.ops().flat_map(Op::operands));
            let is_kept = |var: &Var| !matches!(self.use_in(stmt, *var), Use::Read);
            let kept = used.into_iter().filter(is_kept);
            let kept = kept.filter(|var| is_live_after(function, block, index, *var));
            shared.extend(kept.map(|var| (index, var)));
        }
        shared
    }

    fn owned_operands(
        &self,
        id: FunctionId,
        operands: impl Iterator<Item = Operand>,
    ) -> BTreeSet<Var> {
        let owned = |operand| match operand {
            Operand::Var(var) if self.owns(id, operand) => Some(var),
            _ => None,
        };
        operands.filter_map(owned).collect()
    }

    /// How a statement uses a variable.
    fn use_in(&self, stmt: &Stmt, var: Var) -> Use {
        let Stmt::Let(_, op) = stmt else { return Use::Kept };
        let operand = Operand::Var(var);
        match op {
            Op::Prim(Prim::KeyCount | Prim::IsTable | Prim::IsSet | Prim::Truth, _)
            | Op::Prim(Prim::IsNat | Prim::IsApp | Prim::IsLaw | Prim::IsPin, _) => Use::Read,
            Op::Prim(Prim::Length | Prim::IsRow | Prim::Evaluated, _) => Use::Read,
            Op::Thunk(..) if self.is_delayed_read(op, operand) => Use::Read,
            Op::Prim(Prim::Item, args)
                if self.kind == Collection::Row && args[0] == operand && args[1] != operand =>
            {
                Use::Read
            }
            Op::Call(call) if occurs_once(&call.args, operand) => self.use_in_call(call, operand),
            _ => Use::Kept,
        }
    }

    fn use_in_call(&self, call: &Call, operand: Operand) -> Use {
        match call.callee {
            Callee::Local(callee) => {
                let place = call.args.iter().position(|arg| *arg == operand);
                let params = &self.functions[callee.index()].params;
                let param = place.and_then(|place| params.get(place));
                match param {
                    Some(param) if self.owns(callee, Operand::Var(*param)) => Use::UsedUp,
                    _ => Use::Kept,
                }
            }
            Callee::Jet(_) => {
                if jet_edit(self.unit, self.kind, call) == Some(operand) {
                    return Use::UsedUp;
                }
                let operation = jet_operation(self.unit, call);
                match operation.and_then(|operation| read(self.kind, operation, &call.args)) {
                    Some(read) if read == operand => Use::Read,
                    _ => Use::Kept,
                }
            }
            _ => Use::Kept,
        }
    }

    /// Whether a variable that is used in a terminator is the only reference until there.
    fn ends_well(&self, function: &Function, terminator: &Terminator, var: Var) -> bool {
        let operand = Operand::Var(var);
        match terminator {
            Terminator::Jump(join, args) => {
                occurs_once(args, operand) && !live_in_join(function, *join).contains(&var)
            }
            Terminator::Return(args) => occurs_once(args, operand),
            Terminator::Tail(call) => occurs_once(&call.args, operand),
            // The function ends, or only the kind of the value is read.
            Terminator::Enter(_) | Terminator::Crash(..) => true,
            Terminator::If(..) | Terminator::Switch(..) | Terminator::Direct(..) => true,
            Terminator::Reflect(..) | Terminator::Closure(..) => false,
        }
    }

    /// Adds to `refuted` the results of a function that are not owned, by one of its terminators.
    fn refute_results(
        &self,
        id: FunctionId,
        function: &Function,
        terminator: &Terminator,
        refuted: &mut HashSet<Owned>,
    ) {
        for index in 0..function.results.len() {
            let is_owned = match terminator {
                Terminator::Tail(call) => match call.callee {
                    Callee::Local(callee) => self.owned.contains(&Owned::Result(callee, index)),
                    _ => jet_edit(self.unit, self.kind, call).is_some(),
                },
                Terminator::Enter(_) => false,
                _ => true,
            };
            if !is_owned && self.owned.contains(&Owned::Result(id, index)) {
                refuted.insert(Owned::Result(id, index));
            }
        }
    }

    /// Removes what no edit reaches, and what reaches no edit.
    fn prune(&mut self) {
        let (mut edits, mut made, mut flows) = (Vec::new(), Vec::new(), Vec::new());
        for (id, function) in self.numbered_functions() {
            let shared = self.shared_on_paths(id, function);
            for block_id in function.live_blocks() {
                let block = &function.blocks[block_id];
                let shared = &shared[&block_id];
                for stmt in &block.stmts {
                    let Stmt::Let(vars, op) = stmt else { continue };
                    let results: Vec<Owned> = vars.iter().map(|var| Owned::Var(id, *var)).collect();
                    self.add_operation(
                        (id, shared),
                        op,
                        &results,
                        (&mut edits, &mut made, &mut flows),
                    );
                }
                match &block.terminator {
                    Terminator::Tail(call) => {
                        let results = 0..function.results.len();
                        let results: Vec<Owned> = results.map(|it| Owned::Result(id, it)).collect();
                        self.add_call(
                            (id, shared),
                            call,
                            &results,
                            (&mut edits, &mut made, &mut flows),
                        );
                    }
                    Terminator::Return(args) => {
                        let targets = (0..).map(|index| Owned::Result(id, index));
                        flows.extend(vars_of(id, args).zip(targets).filter_map(flow));
                    }
                    Terminator::Jump(join, args) => {
                        let targets = join_params(function, *join).map(|var| Owned::Var(id, var));
                        flows.extend(vars_of(id, args).zip(targets).filter_map(flow));
                    }
                    _ => {}
                }
            }
        }
        flows.retain(|(from, to)| self.owned.contains(from) && self.owned.contains(to));
        let useful = closure(edits, flows.iter().map(|(from, to)| (*to, *from)).collect());
        let reached = closure(made, flows);
        self.owned.retain(|owned| useful.contains(owned) && reached.contains(owned));
    }

    /// The variables that are disowned on the path to the end of each block, before they are edited.
    fn shared_on_paths(
        &self,
        id: FunctionId,
        function: &Function,
    ) -> HashMap<BlockId, HashSet<Var>> {
        let mut on_paths: HashMap<BlockId, HashSet<Var>> = HashMap::new();
        // A block comes before the blocks under it.
        for block_id in function.live_blocks() {
            let block = &function.blocks[block_id];
            let mut shared = on_paths.remove(&block_id).unwrap_or_default();
            shared.extend(self.shared_in(id, function, block).into_iter().map(|(_, var)| var));
            for below in block.terminator.blocks() {
                on_paths.insert(below, shared.clone());
            }
            on_paths.insert(block_id, shared);
        }
        on_paths
    }

    /// Adds the flows of values into and out of an operation; the operands and results of edits. An edit
    /// of one of the `shared` variables changes nothing in place.
    fn add_operation(
        &self,
        (id, shared): (FunctionId, &HashSet<Var>),
        op: &Op,
        results: &[Owned],
        (edits, made, flows): (&mut Vec<Owned>, &mut Vec<Owned>, &mut Vec<(Owned, Owned)>),
    ) {
        match op {
            Op::Call(call) => self.add_call((id, shared), call, results, (edits, made, flows)),
            Op::Force(Operand::Var(value)) => {
                flows.extend(results.iter().map(|result| (Owned::Var(id, *value), *result)));
            }
            _ => {
                if let Some(operand) = self.delayed_edit(op) {
                    add_edit((id, shared), operand, results, (edits, made));
                }
            }
        }
    }

    /// [`OwnershipAnalysis::add_operation`] for a call.
    fn add_call(
        &self,
        (id, shared): (FunctionId, &HashSet<Var>),
        call: &Call,
        results: &[Owned],
        (edits, made, flows): (&mut Vec<Owned>, &mut Vec<Owned>, &mut Vec<(Owned, Owned)>),
    ) {
        if let Callee::Local(callee) = call.callee {
            let params = &self.functions[callee.index()].params;
            let targets = params.iter().map(|param| Owned::Var(callee, *param));
            flows.extend(vars_of(id, &call.args).zip(targets).filter_map(flow));
            let returned = (0..).map(|index| Owned::Result(callee, index));
            flows.extend(returned.zip(results.iter().copied()));
        } else if let Some(operand) = jet_edit(self.unit, self.kind, call) {
            add_edit((id, shared), operand, results, (edits, made));
        }
    }
}

/// Adds the operand and the results of an edit.
fn add_edit(
    (id, shared): (FunctionId, &HashSet<Var>),
    operand: Operand,
    results: &[Owned],
    (edits, made): (&mut Vec<Owned>, &mut Vec<Owned>),
) {
    if let Operand::Var(var) = operand
        && !shared.contains(&var)
    {
        edits.push(Owned::Var(id, var));
    }
    made.extend(results);
}

/// Whether a variable of a type may be owned: it may hold a table, row or set.
fn may_be_owned(ty: Type) -> bool {
    matches!(ty, Type::Whnf | Type::Any)
}

/// Whether a variable is used after a statement of a block.
fn is_live_after(function: &Function, block: &Block, index: usize, var: Var) -> bool {
    live_before(function, &block.stmts[index + 1..], &block.terminator).contains(&var)
}

fn vars_of(id: FunctionId, args: &[Operand]) -> impl Iterator<Item = Option<Owned>> {
    args.iter().map(move |arg| match arg {
        Operand::Var(var) => Some(Owned::Var(id, *var)),
        _ => None,
    })
}

fn flow((from, to): (Option<Owned>, Owned)) -> Option<(Owned, Owned)> {
    Some((from?, to))
}

fn join_params(function: &Function, join: JoinId) -> impl Iterator<Item = Var> {
    function.joins[join].params.iter().copied()
}

/// Whether a statement calls a function with a variable as several arguments.
fn is_passed_twice(stmt: &Stmt, var: Var) -> bool {
    let is_twice = |op: &Op| match op {
        Op::Call(call) => call.args.contains(&var.into()) && !occurs_once(&call.args, var.into()),
        _ => false,
    };
    stmt.ops().any(is_twice)
}

fn occurs_once(args: &[Operand], operand: Operand) -> bool {
    args.iter().filter(|arg| **arg == operand).count() == 1
}

/// Everything that can be reached from `from` over edges.
fn closure(from: Vec<Owned>, edges: Vec<(Owned, Owned)>) -> HashSet<Owned> {
    let mut found: HashSet<Owned> = from.into_iter().collect();
    loop {
        let before = found.len();
        for (from, to) in &edges {
            if found.contains(from) {
                found.insert(*to);
            }
        }
        if found.len() == before {
            return found;
        }
    }
}
