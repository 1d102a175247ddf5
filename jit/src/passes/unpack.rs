//! Unpacking: a worker that reads items of a row that its callers make takes the items instead of
//! the row. (The worker/wrapper split for products: Gill, Hutton, "The worker/wrapper
//! transformation", JFP 2009.)
//!
//! ```text
//! before  f1(v0: whnf) { v1 = item v0, 0; v2 = item v0, 1; .. }    v5 = row(v3, v4); call f1(v5)
//! after   f1(v1: any, v2: any) { .. }                              call f1(v3, v4)
//! ```
//!
//! Demand analysis then finds which items the worker is certain to evaluate, and callers pass those
//! evaluated, or as words. A loop whose state is a row makes no row for a turn.
//!
//! A caller that has not made the row itself reads the items from it. To read an item is cheap and
//! evaluates nothing, but takes a call of the runtime if the value is no flat row. So such a caller is
//! accepted only if the worker reads the items in any case, or is a loop whose turns make the row. If
//! the worker also uses the row as a value, it makes the row again: it is accepted only if all callers
//! make rows of one size.

use crate::ir::{
    BlockId, Call, Callee, Function, FunctionId, FunctionRole, JoinId, Op, Operand, Prim, Stmt,
    Terminator, Type, Unit, Var,
};
use foldhash::fast::FixedState;
use std::collections::{BTreeSet, HashMap, HashSet};

/// Items at indices below this are passed.
pub(super) const ITEMS_LIMIT: u64 = 8;
/// The most items of a row that a worker makes again.
const REMADE_LIMIT: usize = 4;
/// The most parameters of a worker.
pub(super) const PARAMS_LIMIT: usize = 12;

/// A part of a row that is passed instead of the row.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
enum RowPart {
    Item(u64),
    Length,
}

impl RowPart {
    fn ty(self) -> Type {
        match self {
            RowPart::Item(_) => Type::Any,
            RowPart::Length => Type::Small,
        }
    }

    /// The operation that reads the part of a row.
    fn read(self, row: Operand) -> Op {
        match self {
            RowPart::Item(index) => Op::Prim(Prim::Item, vec![row, Operand::Small(index)]),
            RowPart::Length => Op::Prim(Prim::Length, vec![row]),
        }
    }

    /// The part of a row with these items.
    fn of_items(self, items: &[Operand]) -> Operand {
        match self {
            RowPart::Item(index) => {
                let item = usize::try_from(index).ok().and_then(|index| items.get(index));
                item.copied().unwrap_or(Operand::Small(0))
            }
            RowPart::Length => Operand::Small(items.len() as u64),
        }
    }
}

/// The row and the part that an operation reads.
fn part_read(op: &Op) -> Option<(Var, RowPart)> {
    match op {
        Op::Prim(Prim::Item, operands) => match operands[..] {
            [Operand::Var(row), Operand::Small(index)] if index < ITEMS_LIMIT => {
                Some((row, RowPart::Item(index)))
            }
            _ => None,
        },
        Op::Prim(Prim::Length, operands) => match operands[..] {
            [Operand::Var(row)] => Some((row, RowPart::Length)),
            _ => None,
        },
        _ => None,
    }
}

/// A parameter of a worker: the function and the index of the parameter.
type ParamPlace = (FunctionId, usize);
type RowParts = BTreeSet<RowPart>;

/// The argument that a call passes for a parameter.
#[derive(Clone, Copy)]
struct PassedRow {
    caller: FunctionId,
    source: RowSource,
}

/// Where the caller has a row from.
#[derive(Clone, Copy)]
enum RowSource {
    /// The caller makes it, or it is a constant, with this number of items.
    Made(usize),
    /// It is a parameter of the caller, which may be unpacked itself.
    Param(usize),
    /// It may be any value.
    Unknown,
}

impl PassedRow {
    /// The parameter of the caller that the row is, if it may be unpacked.
    fn param(self, uses: &UsesOfParams) -> Option<ParamPlace> {
        let RowSource::Param(index) = self.source else { return None };
        let place = (self.caller, index);
        uses.contains_key(&place).then_some(place)
    }
}

/// The number of items that the rows for a parameter have.
#[derive(Clone, Copy, PartialEq, Eq)]
enum RowSize {
    /// No call is known yet.
    Open,
    Known(usize),
    Unknown,
}

impl RowSize {
    fn meet(self, other: RowSize) -> RowSize {
        match (self, other) {
            (RowSize::Open, size) | (size, RowSize::Open) => size,
            (RowSize::Known(a), RowSize::Known(b)) if a == b => self,
            _ => RowSize::Unknown,
        }
    }
}

/// What the unit does with a parameter that may be unpacked.
struct ParamUses {
    /// The parts that its function reads.
    read: RowParts,
    /// Whether the function reads all of these on each way through its code.
    reads_always: bool,
    /// Whether the row is used in another way.
    escapes: bool,
    /// The parameters that it is passed on for.
    passed_to: Vec<ParamPlace>,
    /// The arguments of all calls.
    passed: Vec<PassedRow>,
}

type UsesOfParams = HashMap<ParamPlace, ParamUses, FixedState>;
type UnpackedParams = HashMap<ParamPlace, Unpacked, FixedState>;

/// The decision for a parameter.
struct Unpacked {
    parts: Vec<RowPart>,
    /// The number of items of the row, if the function needs the row as well, or its length.
    size: Option<usize>,
    is_remade: bool,
}

pub(super) fn unpack(unit: &mut Unit) {
    let chosen = choose(unit, collect_uses(unit));
    if chosen.is_empty() {
        return;
    }
    let ids: Vec<FunctionId> = unit.functions.keys().collect();
    for id in ids {
        let mut function = unit.functions[id].clone();
        let (rows, parts) = (MadeRows::of(&function), HashMap::default());
        let (function_out, values) = (&mut function, HashMap::default());
        let rewriter =
            RowRewriter { unit, chosen: &chosen, function: function_out, rows, parts, values };
        rewriter.rewrite(id);
        unit.functions[id] = function;
    }
}

// The choice of parameters.

fn collect_uses(unit: &Unit) -> UsesOfParams {
    let mut uses: UsesOfParams = HashMap::default();
    for (id, function) in &unit.functions {
        if function.role != FunctionRole::Worker {
            continue;
        }
        for (index, param) in function.params.iter().enumerate() {
            if function.vars[*param] == Type::Whnf {
                uses.insert((id, index), uses_in(function, *param));
            }
        }
    }
    for (id, function) in &unit.functions {
        let rows = MadeRows::of(function);
        for call in calls(function) {
            let Callee::Local(callee) = call.callee else { continue };
            for (index, arg) in call.args.iter().enumerate() {
                if let Some(uses) = uses.get_mut(&(callee, index)) {
                    let source = row_source(unit, function, &rows, *arg);
                    uses.passed.push(PassedRow { caller: id, source });
                }
            }
        }
    }
    uses
}

fn row_source(unit: &Unit, function: &Function, rows: &MadeRows, arg: Operand) -> RowSource {
    if let Some(items) = rows.items(unit, arg) {
        return RowSource::Made(items.len());
    }
    match function.params.iter().position(|param| arg == Operand::Var(*param)) {
        Some(index) => RowSource::Param(index),
        None => RowSource::Unknown,
    }
}

/// The calls that a function makes, in tail position or not.
fn calls(function: &Function) -> Vec<&Call> {
    let mut found = Vec::new();
    for block in function.live_blocks() {
        let block = &function.blocks[block];
        found.extend(block.stmts.iter().flat_map(Stmt::ops).filter_map(|op| match op {
            Op::Call(call) => Some(call),
            _ => None,
        }));
        if let Terminator::Tail(call) = &block.terminator {
            found.push(call);
        }
    }
    found
}

/// The rows that statements of their own make, with their items.
struct MadeRows(HashMap<Var, Vec<Operand>, FixedState>);

impl MadeRows {
    fn of(function: &Function) -> MadeRows {
        let blocks = function.live_blocks();
        let stmts = blocks.iter().flat_map(|block| &function.blocks[*block].stmts);
        let row = |stmt: &Stmt| match stmt {
            Stmt::Let(vars, Op::Row(items)) => Some((vars[0], items.clone())),
            _ => None,
        };
        MadeRows(stmts.filter_map(row).collect())
    }

    /// The items of a row that is made in the function, or a constant of nats.
    fn items(&self, unit: &Unit, row: Operand) -> Option<Vec<Operand>> {
        match row {
            Operand::Var(var) => self.0.get(&var).cloned(),
            Operand::Constant(k) => {
                let nats = unit.constants[k].items.as_ref()?;
                Some(nats.iter().map(|nat| Operand::Small(*nat)).collect())
            }
            Operand::Small(_) => None,
        }
    }
}

fn uses_in(function: &Function, param: Var) -> ParamUses {
    let (read, reads_always) = (RowParts::new(), false);
    let (passed_to, passed) = (Vec::new(), Vec::new());
    let mut uses = ParamUses { read, reads_always, escapes: false, passed_to, passed };
    let is_param = |operand: &Operand| *operand == Operand::Var(param);
    for block in function.live_blocks() {
        let block = &function.blocks[block];
        for op in block.stmts.iter().flat_map(Stmt::ops) {
            match (part_read(op), op) {
                (Some((row, part)), _) if row == param => drop(uses.read.insert(part)),
                (_, Op::Call(call)) => note_call(&mut uses, call, param),
                _ => uses.escapes |= op.operands().any(|operand| is_param(&operand)),
            }
        }
        match &block.terminator {
            Terminator::Tail(call) => note_call(&mut uses, call, param),
            terminator => uses.escapes |= terminator.operands().iter().any(is_param),
        }
    }
    let mut joins = HashMap::default();
    let always = parts_read_always(function, function.entry, param, &mut joins);
    uses.reads_always = always.is_none_or(|always| always == uses.read);
    uses
}

fn note_call(uses: &mut ParamUses, call: &Call, param: Var) {
    if let Callee::Unknown(function) = call.callee {
        uses.escapes |= function == Operand::Var(param);
    }
    for (index, arg) in call.args.iter().enumerate() {
        match call.callee {
            _ if *arg != Operand::Var(param) => {}
            Callee::Local(callee) => uses.passed_to.push((callee, index)),
            _ => uses.escapes = true,
        }
    }
}

/// The parts of a parameter that each way through a block reads; `None` if no way ends.
fn parts_read_always(
    function: &Function,
    block: BlockId,
    param: Var,
    joins: &mut HashMap<JoinId, Option<RowParts>, FixedState>,
) -> Option<RowParts> {
    let block = &function.blocks[block];
    let mut here = RowParts::new();
    for stmt in &block.stmts {
        match stmt {
            Stmt::Join(id) => {
                let join = &function.joins[*id];
                // What a turn of a loop reads is read before the next one.
                joins.insert(*id, None);
                let found = parts_read_always(function, join.body, param, joins);
                joins.insert(*id, found);
            }
            Stmt::Let(_, op) => {
                here.extend(part_read(op).filter(|(row, _)| *row == param).map(|(_, part)| part));
            }
            Stmt::Rec(_) => {}
        }
    }
    let after = match &block.terminator {
        Terminator::Jump(join, _) => joins.get(join).cloned().unwrap_or_default(),
        Terminator::Crash(..) => None,
        Terminator::Return(_) | Terminator::Enter(_) | Terminator::Tail(_) => Some(RowParts::new()),
        branches => branches.blocks().into_iter().fold(None, |common, block| {
            match (common, parts_read_always(function, block, param, joins)) {
                (None, parts) | (parts, None) => parts,
                (Some(a), Some(b)) => Some(a.intersection(&b).copied().collect()),
            }
        }),
    };
    after.map(|after| after.union(&here).copied().collect())
}

/// Removes parameters until all that are left can be unpacked.
fn choose(unit: &Unit, mut uses: UsesOfParams) -> UnpackedParams {
    loop {
        let (sizes, fed) = (row_sizes(&uses), fed_params(&uses));
        let parts = all_parts(&uses, &sizes);
        let places = uses.iter().filter(|(place, _)| fed.contains(place));
        let decided = places.filter_map(|(place, of)| {
            let size = match sizes[place] {
                RowSize::Known(size) => Some(size),
                RowSize::Open | RowSize::Unknown => None,
            };
            let unpacked = decide(&uses, of, &parts[place], size)?;
            accepts_callers(&uses, *place, of).then_some((*place, unpacked))
        });
        let chosen: UnpackedParams = decided.collect();
        let added = |id: FunctionId| -> usize {
            let of_function = chosen.iter().filter(|((function, _), _)| *function == id);
            of_function.map(|(_, unpacked)| unpacked.parts.len()).sum()
        };
        let fits = |id: FunctionId| unit.functions[id].params.len() + added(id) <= PARAMS_LIMIT;
        let before = uses.len();
        uses.retain(|place, _| chosen.contains_key(place) && fits(place.0));
        if uses.len() == before {
            return chosen;
        }
    }
}

/// How a parameter is unpacked, if its own uses allow it. `read` are the parts that are read, and
/// `size` is the number of items of all rows that are passed, if it is known.
fn decide(
    uses: &UsesOfParams,
    of: &ParamUses,
    read: &RowParts,
    size: Option<usize>,
) -> Option<Unpacked> {
    let is_remade = is_remade(uses, of);
    let mut parts = read.clone();
    if size.is_some() {
        parts.remove(&RowPart::Length);
    }
    if parts.is_empty() {
        return None;
    }
    if is_remade {
        let size = size.filter(|size| (1..=REMADE_LIMIT).contains(size))?;
        parts.extend((0..size as u64).map(RowPart::Item));
    }
    Some(Unpacked { parts: parts.into_iter().collect(), size, is_remade })
}

/// Whether a function needs the row as well as its parts.
fn is_remade(uses: &UsesOfParams, of: &ParamUses) -> bool {
    of.escapes || of.passed_to.iter().any(|to| !uses.contains_key(to))
}

/// Whether all callers may pass the parts of their rows.
fn accepts_callers(uses: &UsesOfParams, (id, _): ParamPlace, of: &ParamUses) -> bool {
    let reads_always = of.reads_always && of.passed_to.is_empty();
    let is_made = |passed: &PassedRow| matches!(passed.source, RowSource::Made(_));
    let makes_next_row = of.passed.iter().any(|passed| passed.caller == id && is_made(passed));
    of.passed.iter().all(|passed| {
        let is_known = is_made(passed) || passed.param(uses).is_some();
        is_known || reads_always || makes_next_row && passed.caller != id
    })
}

/// For each parameter, the parts that its function reads, and those that are read where it is passed
/// on. A function that makes the row again reads all items.
fn all_parts(
    uses: &UsesOfParams,
    sizes: &HashMap<ParamPlace, RowSize, FixedState>,
) -> HashMap<ParamPlace, RowParts, FixedState> {
    let own = uses.iter().map(|(place, of)| {
        let mut parts = of.read.clone();
        if let RowSize::Known(size @ 1..=REMADE_LIMIT) = sizes[place]
            && is_remade(uses, of)
        {
            parts.extend((0..size as u64).map(RowPart::Item));
        }
        (*place, parts)
    });
    let mut parts: HashMap<ParamPlace, RowParts, FixedState> = own.collect();
    let mut changed = true;
    while std::mem::take(&mut changed) {
        for (place, of) in uses {
            for to in of.passed_to.iter().filter(|to| uses.contains_key(to)) {
                let more = parts[to].clone();
                let known = parts.entry(*place).or_default();
                let before = known.len();
                known.extend(more);
                changed |= known.len() > before;
            }
        }
    }
    parts
}

/// For each parameter, the number of items of the rows that are passed.
fn row_sizes(uses: &UsesOfParams) -> HashMap<ParamPlace, RowSize, FixedState> {
    let mut sizes: HashMap<ParamPlace, RowSize, FixedState> =
        uses.keys().map(|place| (*place, RowSize::Open)).collect();
    let mut changed = true;
    while std::mem::take(&mut changed) {
        for (place, of) in uses {
            let passed = of.passed.iter().map(|passed| match (passed.source, passed.param(uses)) {
                (RowSource::Made(size), _) => RowSize::Known(size),
                (_, Some(param)) => sizes[&param],
                (_, None) => RowSize::Unknown,
            });
            let size = passed.fold(RowSize::Open, RowSize::meet);
            changed |= sizes.insert(*place, size) != Some(size);
        }
    }
    sizes
}

/// The parameters for which some caller passes a row that it makes, directly or through other
/// parameters.
fn fed_params(uses: &UsesOfParams) -> HashSet<ParamPlace, FixedState> {
    let mut fed: HashSet<ParamPlace, FixedState> = HashSet::default();
    let mut changed = true;
    while std::mem::take(&mut changed) {
        for (place, of) in uses {
            let is_fed = of.passed.iter().any(|passed| {
                let is_made = matches!(passed.source, RowSource::Made(_));
                is_made || passed.param(uses).is_some_and(|param| fed.contains(&param))
            });
            changed |= is_fed && fed.insert(*place);
        }
    }
    fed
}

// The rewriting.

/// A function in which parameters are replaced by the parts of their rows.
struct RowRewriter<'a> {
    unit: &'a Unit,
    chosen: &'a UnpackedParams,
    function: &'a mut Function,
    rows: MadeRows,
    /// What the parts of the function's own unpacked parameters are now.
    parts: HashMap<(Var, RowPart), Operand, FixedState>,
    /// What replaces the variables of reads that are gone.
    values: HashMap<Var, Operand, FixedState>,
}

impl RowRewriter<'_> {
    fn rewrite(mut self, id: FunctionId) {
        let remade = self.unpack_params(id);
        for block in self.function.live_blocks() {
            let stmts = std::mem::take(&mut self.function.blocks[block].stmts);
            let mut written = Vec::with_capacity(stmts.len());
            for mut stmt in stmts {
                if let Stmt::Let(vars, op) = &mut stmt {
                    let part = part_read(op).and_then(|key| self.parts.get(&key).copied());
                    if let Some(part) = part {
                        self.values.insert(vars[0], part);
                        continue;
                    }
                    if let Op::Call(call) = op {
                        self.pass_parts(call, &mut written);
                    }
                }
                written.push(stmt);
            }
            let mut terminator = self.function.blocks[block].terminator.clone();
            if let Terminator::Tail(call) = &mut terminator {
                self.pass_parts(call, &mut written);
            }
            let block = &mut self.function.blocks[block];
            (block.stmts, block.terminator) = (written, terminator);
        }
        let entry = self.function.entry;
        self.function.blocks[entry].stmts.splice(0..0, remade);
        let RowRewriter { function, values, .. } = self;
        function.for_each_operand_mut(|operand| {
            if let Operand::Var(var) = operand
                && let Some(value) = values.get(var)
            {
                *operand = *value;
            }
        });
    }

    /// Replaces the function's unpacked parameters; returns the statements that make the rows that it
    /// still needs.
    fn unpack_params(&mut self, id: FunctionId) -> Vec<Stmt> {
        let params = std::mem::take(&mut self.function.params);
        let mut remade = Vec::new();
        for (index, param) in params.into_iter().enumerate() {
            let Some(Unpacked { parts, size, is_remade }) = self.chosen.get(&(id, index)) else {
                self.function.params.push(param);
                continue;
            };
            for part in parts {
                let var = self.function.new_var(part.ty());
                self.function.params.push(var);
                self.parts.insert((param, *part), var.into());
            }
            if let Some(size) = size {
                self.parts.insert((param, RowPart::Length), Operand::Small(*size as u64));
                // An item beyond the end of the row is 0.
                for index in *size as u64..ITEMS_LIMIT {
                    self.parts.insert((param, RowPart::Item(index)), Operand::Small(0));
                }
            }
            if *is_remade {
                let item = |index: &RowPart| self.parts[&(param, *index)];
                let items: Vec<RowPart> =
                    (0..size.unwrap_or(0) as u64).map(RowPart::Item).collect();
                let row = Op::Row(items.iter().map(item).collect());
                remade.push(Stmt::Let(vec![param], row));
            }
        }
        remade
    }

    /// Replaces the rows that a call passes for unpacked parameters by their parts.
    fn pass_parts(&mut self, call: &mut Call, written: &mut Vec<Stmt>) {
        let Callee::Local(callee) = call.callee else { return };
        let args = std::mem::take(&mut call.args);
        for (index, arg) in args.into_iter().enumerate() {
            let Some(unpacked) = self.chosen.get(&(callee, index)) else {
                call.args.push(arg);
                continue;
            };
            let items = self.rows.items(self.unit, arg);
            for part in &unpacked.parts {
                let own = match arg {
                    Operand::Var(row) => self.parts.get(&(row, *part)).copied(),
                    _ => None,
                };
                let value = match (&items, own) {
                    (Some(items), _) => part.of_items(items),
                    (None, Some(own)) => own,
                    (None, None) => {
                        let read = self.function.new_var(part.ty());
                        written.push(Stmt::Let(vec![read], part.read(arg)));
                        read.into()
                    }
                };
                call.args.push(value);
            }
        }
    }
}
