//! Narrowing: the types of parameters and results, inferred from all that is passed to them.
//!
//! Parameters of join points, thunks and workers start at the least type, `bit`, and are widened by
//! the arguments passed to them until nothing changes: a least fixpoint in the chain of types.
//! General entries, which unknown callers use, keep their types. (Interprocedural constant-range
//! propagation.)

use crate::analysis::call_graph::called_functions;
use crate::ir::{
    Block, Callee, Function, FunctionId, FunctionRole, Op, Operand, Stmt, Terminator, Type, Unit,
    Var, side_table,
};
use cranelift_entity::{EntitySet, PrimaryMap, SecondaryMap};

pub(super) fn narrow(unit: &mut Unit) {
    infer(unit, &|_, _, _, _| Type::Any);
}

/// The type of a thunk with the code of a function and its captures, in a function of the unit.
pub(super) type ThunkType<'t> = &'t dyn Fn(&Unit, &Function, FunctionId, &[Operand]) -> Type;

/// Narrows all types. A thunk has the type that `thunk_type` says, which must grow with the types of
/// the captures.
pub(super) fn infer(unit: &mut Unit, thunk_type: ThunkType<'_>) {
    let old: Vec<DeclaredTypes> = unit.functions.values().map(DeclaredTypes::of).collect();
    unit.functions.values_mut().for_each(start_at_bottom);
    let ids: Vec<FunctionId> = unit.functions.keys().collect();
    let mut callers: SecondaryMap<FunctionId, Vec<FunctionId>> = side_table(ids.len());
    for (caller, function) in &unit.functions {
        called_functions(function).into_iter().for_each(|callee| callers[callee].push(caller));
    }
    let mut stale = EntitySet::with_capacity(ids.len());
    stale.extend(ids.iter().copied());
    let mut inference = Inference { unit, thunk_type, only: None, callers, stale };
    while !inference.stale.is_empty() {
        for id in &ids {
            if inference.stale.remove(*id) && inference.propagate(*id) {
                inference.stale.insert(*id);
            }
        }
    }
    for (function, old) in unit.functions.values_mut().zip(old) {
        old.limit(function);
    }
}

/// The types that a worker would have if its callers passed arguments of the types `params`, besides
/// its own calls of itself. The types of the other functions are taken as they are.
pub(super) fn infer_variant(unit: &mut Unit, id: FunctionId, params: &[Type]) -> Function {
    let original = unit.functions[id].clone();
    let function = &mut unit.functions[id];
    start_at_bottom(function);
    widen(&mut function.vars, &original.params, params);
    let mut inference = Inference {
        unit,
        thunk_type: &|_, _, _, _| Type::Any,
        only: Some(id),
        callers: SecondaryMap::new(),
        stale: EntitySet::new(),
    };
    while inference.propagate(id) {}
    let old = DeclaredTypes::of(&original);
    let mut variant = std::mem::replace(&mut unit.functions[id], original);
    old.limit(&mut variant);
    variant
}

/// The types of a function before the pass. No type gets wider than that.
struct DeclaredTypes {
    vars: PrimaryMap<Var, Type>,
    results: Vec<Type>,
}

impl DeclaredTypes {
    fn of(function: &Function) -> DeclaredTypes {
        DeclaredTypes { vars: function.vars.clone(), results: function.results.clone() }
    }

    fn limit(&self, function: &mut Function) {
        let vars = self.vars.values();
        function.vars.values_mut().zip(vars).for_each(|(ty, old)| *ty = (*old).min(*ty));
        let results = function.results.iter_mut().zip(&self.results);
        results.for_each(|(ty, old)| *ty = (*old).min(*ty));
    }
}

fn start_at_bottom(function: &mut Function) {
    if function.role != FunctionRole::General {
        for param in &function.params {
            function.vars[*param] = Type::Bit;
        }
    }
    if function.role == FunctionRole::Worker {
        function.results.fill(Type::Bit);
    }
    for join in function.joins.values() {
        for param in &join.params {
            function.vars[*param] = Type::Bit;
        }
    }
}

/// The inference while it runs.
struct Inference<'a> {
    unit: &'a mut Unit,
    thunk_type: ThunkType<'a>,
    /// The function whose types alone are inferred, if not those of all.
    only: Option<FunctionId>,
    /// The functions that call each function.
    callers: SecondaryMap<FunctionId, Vec<FunctionId>>,
    /// The functions whose types may change, since those of others did.
    stale: EntitySet<FunctionId>,
}

impl Inference<'_> {
    /// Widens what one function passes on; returns whether that changed any type.
    fn propagate(&mut self, id: FunctionId) -> bool {
        let mut changed = false;
        for block in self.unit.functions[id].live_blocks() {
            // The block is taken out, not copied. No type depends on it.
            let place = &mut self.unit.functions[id].blocks[block];
            let empty = Block { stmts: Vec::new(), terminator: Terminator::Return(Vec::new()) };
            let taken = std::mem::replace(place, empty);
            changed |= self.block(id, &taken);
            self.unit.functions[id].blocks[block] = taken;
        }
        changed
    }

    fn block(&mut self, id: FunctionId, block: &Block) -> bool {
        let mut changed = false;
        for stmt in &block.stmts {
            if let Stmt::Let(vars, op) = stmt {
                changed |= self.set_result_types(id, vars, op);
            }
            for op in stmt.ops() {
                changed |= match op {
                    Op::Thunk(entry, captures) => self.widen_params(id, *entry, captures),
                    Op::Generate(entry, operands) => {
                        self.widen_captures(id, *entry, &operands[1..])
                    }
                    Op::Call(call) => match call.callee {
                        Callee::Local(callee) => self.widen_params(id, callee, &call.args),
                        _ => false,
                    },
                    _ => false,
                };
            }
        }
        changed | self.terminator(id, &block.terminator)
    }

    fn terminator(&mut self, id: FunctionId, terminator: &Terminator) -> bool {
        match terminator {
            Terminator::Return(list) => {
                let types = self.unit.types_of(&self.unit.functions[id], list);
                self.widen_results(id, &types)
            }
            Terminator::Tail(call) => {
                let changed = self.widen_results(id, &self.unit.results_of(call));
                match call.callee {
                    Callee::Local(callee) => self.widen_params(id, callee, &call.args) | changed,
                    _ => changed,
                }
            }
            Terminator::Enter(_) => self.widen_results(id, &[Type::Whnf]),
            Terminator::Jump(join, args) => {
                let types = self.unit.types_of(&self.unit.functions[id], args);
                let function = &mut self.unit.functions[id];
                widen(&mut function.vars, &function.joins[*join].params, &types)
            }
            _ => false,
        }
    }

    fn widen_results(&mut self, id: FunctionId, types: &[Type]) -> bool {
        let function = &mut self.unit.functions[id];
        let mut changed = false;
        if function.role == FunctionRole::Worker {
            for (result, ty) in function.results.iter_mut().zip(types) {
                changed |= *ty > *result;
                *result = (*ty).max(*result);
            }
        }
        if changed {
            self.stale.extend(self.callers[id].iter().copied());
        }
        changed
    }

    /// Widens a function's parameters by the types of arguments.
    fn widen_params(&mut self, caller: FunctionId, callee: FunctionId, args: &[Operand]) -> bool {
        let role = self.unit.functions[callee].role;
        if role == FunctionRole::General || self.only.is_some_and(|only| only != callee) {
            return false;
        }
        let mut types = self.unit.types_of(&self.unit.functions[caller], args);
        if role == FunctionRole::Thunk {
            // Captures are in memory.
            types.iter_mut().for_each(|ty| *ty = ty.boxed());
        }
        self.widen_params_by(callee, &types)
    }

    /// Widens the parameters of the code of a generated row's items: the captures and the index.
    fn widen_captures(
        &mut self,
        caller: FunctionId,
        entry: FunctionId,
        captures: &[Operand],
    ) -> bool {
        if self.only.is_some_and(|only| only != entry) {
            return false;
        }
        let types = self.unit.types_of(&self.unit.functions[caller], captures);
        let types: Vec<Type> = types.iter().map(|ty| ty.boxed()).chain([Type::Small]).collect();
        self.widen_params_by(entry, &types)
    }

    fn widen_params_by(&mut self, callee: FunctionId, types: &[Type]) -> bool {
        let function = &mut self.unit.functions[callee];
        let changed = widen(&mut function.vars, &function.params, types);
        if changed {
            self.stale.insert(callee);
        }
        changed
    }

    /// Sets the types of an operation's results; returns whether they changed.
    fn set_result_types(&mut self, id: FunctionId, vars: &[Var], op: &Op) -> bool {
        let function = &self.unit.functions[id];
        let types = match op {
            Op::Prim(prim, operands) => {
                vec![prim.result_of(operands, &self.unit.types_of(function, operands))]
            }
            Op::Force(a) => vec![Type::Whnf.min(self.unit.types_of(function, &[*a])[0])],
            Op::Call(call) => self.unit.results_of(call),
            Op::Thunk(entry, captures) => {
                vec![(self.thunk_type)(self.unit, function, *entry, captures)]
            }
            _ => return false,
        };
        let function = &mut self.unit.functions[id];
        let mut changed = false;
        for (var, ty) in vars.iter().zip(&types) {
            changed |= function.vars[*var] != *ty;
            function.vars[*var] = *ty;
        }
        changed
    }
}

fn widen(known: &mut PrimaryMap<Var, Type>, vars: &[Var], types: &[Type]) -> bool {
    let mut changed = false;
    for (var, ty) in vars.iter().zip(types) {
        let known = &mut known[*var];
        changed |= *ty > *known;
        *known = (*ty).max(*known);
    }
    changed
}
