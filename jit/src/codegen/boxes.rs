//! Makes explicit where numbers are boxed and unboxed.
//!
//! A variable of type `u64` holds the number itself. Passes may use it wherever a nat is expected, and
//! may declare the result of an operation on words as a nat.
//! Before a function is translated, this module adds the operations between: [`Prim::Box`] before
//! the first use that needs a value, and [`Prim::Low64`] for a constant that is used as a number.
//! After that, the type of a variable says in which form each of its uses takes it. A tail call
//! whose results have to be boxed becomes a call and a return. The stack does not grow by that:
//! functions that return unboxed numbers tail call only such functions, so no cycle of tail calls
//! goes through this one.
//!
//! An operation on words takes the low 64 bits of any operand. Those of a variable are taken once for all
//! operations below, and where the variable is evaluated: the test for a direct nat is then the only one.
//!
//! A box made in a block serves all blocks below it. What a loop needs boxed, and does not define, is
//! boxed before the loop. A sum or product of small nats that no use takes unboxed stays a nat: its
//! code calls the runtime in the rare case that the result is 2^63 or more.

use crate::ir::{
    Block, BlockId, Call, Callee, Function, JoinId, Op, Operand, Prim, Stmt, Terminator, Type,
    Unit, Var, side_table,
};
use cranelift_entity::{EntitySet, SecondaryMap};

/// The function with explicit boxes.
pub(super) fn with_boxes(unit: &Unit, function: &Function) -> Function {
    let boxes = side_table(function.vars.len());
    let numbers = side_table(function.vars.len());
    let mut boxing = Boxing {
        unit,
        function: function.clone(),
        boxes,
        numbers,
        known: Vec::new(),
        added: Vec::new(),
        words: words_of(function),
    };
    boxing.unbox_results();
    boxing.box_sums();
    boxing.block(function.entry);
    boxing.function
}

/// In which form a use takes a number below 2^64.
#[derive(Clone, Copy, PartialEq, Eq)]
enum UseForm {
    Unboxed,
    /// As a value.
    Boxed,
}

impl UseForm {
    /// The form that a variable or parameter of a type has.
    fn of(ty: Type) -> UseForm {
        if ty.is_unboxed() { UseForm::Unboxed } else { UseForm::Boxed }
    }
}

struct Boxing<'u> {
    unit: &'u Unit,
    /// The function, rewritten so far.
    function: Function,
    /// The box of each variable that has one in the current block.
    boxes: SecondaryMap<Var, Option<Var>>,
    /// The low 64 bits of each variable whose bits are taken in the current block or above.
    numbers: SecondaryMap<Var, Option<Var>>,
    /// The variables with boxes or numbers, in order.
    known: Vec<Var>,
    /// The variables that operations on words take.
    words: EntitySet<Var>,
    /// Statements to be written before the current one.
    added: Vec<Stmt>,
}

impl Boxing<'_> {
    fn block(&mut self, id: BlockId) {
        let height = self.known.len();
        let stmts = std::mem::take(&mut self.function.blocks[id].stmts);
        let mut written = Vec::with_capacity(stmts.len());
        // Where the boxes for a statement go. Objects of neighbouring statements are allocated
        // together, so it is before all of them.
        let mut here = 0;
        for mut stmt in stmts {
            let is_allocation = is_allocation(&stmt);
            if !is_allocation {
                here = written.len();
            }
            self.stmt(&mut stmt);
            written.splice(here..here, self.added.drain(..));
            let evaluated = evaluated_by(&stmt).filter(|var| self.words.contains(*var));
            written.push(stmt);
            if let Some(var) = evaluated {
                self.number_of(var);
                written.append(&mut self.added);
            }
            if !is_allocation {
                here = written.len();
            }
        }
        let terminator = self.function.blocks[id].terminator.clone();
        let terminator = self.terminator(terminator);
        written.append(&mut self.added);
        if let Terminator::Direct(Operand::Var(value), number, ..) = terminator
            && self.function.vars[number] == Type::U64
            && !self.function.vars[value].is_unboxed()
        {
            // Where the number is bound, the value that was tested is its box.
            self.set_box(number, value);
        }
        let below = terminator.blocks();
        let block = &mut self.function.blocks[id];
        (block.stmts, block.terminator) = (written, terminator);
        below.into_iter().for_each(|block| self.block(block));
        for var in self.known.drain(height..) {
            (self.boxes[var], self.numbers[var]) = (None, None);
        }
    }

    fn stmt(&mut self, stmt: &mut Stmt) {
        match stmt {
            Stmt::Join(id) => self.join(*id),
            Stmt::Rec(group) => group.iter_mut().for_each(|(_, op)| self.op(op)),
            Stmt::Let(_, op) => self.op(op),
        }
    }

    fn join(&mut self, id: JoinId) {
        let join = self.function.joins[id].clone();
        if join.is_loop {
            for var in self.boxed_outside(&join.params, join.body) {
                self.boxed(var);
            }
        }
        let added = std::mem::take(&mut self.added);
        self.block(join.body);
        self.added = added;
    }

    fn op(&mut self, op: &mut Op) {
        if matches!(op, Op::Prim(prim, _) if prim.is_word64()) {
            // It takes the low 64 bits of any operand.
            return op.operands_mut().for_each(|operand| self.unbox(operand));
        }
        let forms = self.op_forms(op);
        op.operands_mut().zip(forms).for_each(|(operand, form)| self.adapt(operand, form));
    }

    fn terminator(&mut self, mut terminator: Terminator) -> Terminator {
        let forms = self.terminator_forms(&terminator);
        let operands = terminator.operands_mut().into_iter();
        operands.zip(forms).for_each(|(operand, form)| self.adapt(operand, form));
        let Terminator::Tail(call) = terminator else { return terminator };
        let types = self.unit.results_of(&call);
        let has_to_box = |(ty, result): (&Type, &Type)| *ty == Type::U64 && *result > Type::U64;
        if !types.iter().zip(&self.function.results).any(has_to_box) {
            return Terminator::Tail(call);
        }
        let vars: Vec<Var> = types.into_iter().map(|ty| self.function.new_var(ty)).collect();
        let returned = Terminator::Return(vars.iter().map(|var| (*var).into()).collect());
        self.added.push(Stmt::Let(vars, Op::Call(call)));
        self.terminator(returned)
    }

    /// Changes an operand to one in the form that its use takes.
    fn adapt(&mut self, operand: &mut Operand, form: UseForm) {
        match (*operand, form) {
            (Operand::Var(var), UseForm::Boxed) if self.function.vars[var] == Type::U64 => {
                *operand = self.boxed(var).into();
            }
            (Operand::Constant(k), UseForm::Unboxed) if self.unit.constants[k].number.is_some() => {
                let number = self.function.new_var(Type::U64);
                let unbox = Op::Prim(Prim::Low64, vec![*operand]);
                self.added.push(Stmt::Let(vec![number], unbox));
                *operand = number.into();
            }
            _ => {}
        }
    }

    /// Changes a variable that is an operand of an operation on words to its low 64 bits.
    fn unbox(&mut self, operand: &mut Operand) {
        if let Operand::Var(var) = *operand
            && !self.function.vars[var].is_unboxed()
        {
            *operand = self.number_of(var).into();
        }
    }

    /// The low 64 bits of a variable that is no number.
    fn number_of(&mut self, var: Var) -> Var {
        if let Some(known) = self.numbers[var] {
            return known;
        }
        let number = self.function.new_var(Type::U64);
        let unbox = Op::Prim(Prim::Low64, vec![var.into()]);
        self.added.push(Stmt::Let(vec![number], unbox));
        self.numbers[var] = Some(number);
        self.known.push(var);
        number
    }

    /// The box of a variable.
    fn boxed(&mut self, number: Var) -> Var {
        if let Some(known) = self.boxes[number] {
            return known;
        }
        let value = self.function.new_var(Type::Nat);
        self.added.push(Stmt::Let(vec![value], Op::Prim(Prim::Box, vec![number.into()])));
        self.set_box(number, value);
        value
    }

    fn set_box(&mut self, number: Var, value: Var) {
        self.boxes[number] = Some(value);
        self.known.push(number);
    }

    /// The variables of type `u64` that a block uses in a form.
    fn used_as(&self, id: BlockId, form: UseForm) -> Vec<Var> {
        let Block { stmts, terminator } = &self.function.blocks[id];
        let in_terminator =
            terminator.operands().into_iter().zip(self.terminator_forms(terminator));
        let in_stmts = stmts.iter().flat_map(Stmt::ops);
        let in_stmts = in_stmts.flat_map(|op| op.operands().zip(self.op_forms(op)));
        let uses = in_stmts.chain(in_terminator).filter(|(_, used_as)| *used_as == form);
        uses.filter_map(|(operand, _)| match operand {
            Operand::Var(var) if self.function.vars[var] == Type::U64 => Some(var),
            _ => None,
        })
        .collect()
    }

    /// Gives the type `u64` to the variables that operations with that result define.
    fn unbox_results(&mut self) {
        for id in self.function.live_blocks() {
            for index in 0..self.function.blocks[id].stmts.len() {
                let Stmt::Let(vars, op) = &self.function.blocks[id].stmts[index] else { continue };
                if self.is_sum(op) {
                    continue;
                }
                for (var, ty) in vars.clone().into_iter().zip(self.result_types(op)) {
                    if ty == Type::U64 {
                        self.function.vars[var] = ty;
                    }
                }
            }
        }
    }

    /// Makes nats of the sums and products of small nats that no use takes unboxed.
    fn box_sums(&mut self) {
        let blocks = self.function.live_blocks();
        let mut sums = EntitySet::with_capacity(self.function.vars.len());
        for stmt in blocks.iter().flat_map(|id| &self.function.blocks[*id].stmts) {
            if let Stmt::Let(vars, op) = stmt
                && self.function.vars[vars[0]] == Type::U64
                && self.is_sum(op)
            {
                sums.insert(vars[0]);
            }
        }
        for id in blocks {
            for var in self.used_as(id, UseForm::Unboxed) {
                sums.remove(var);
            }
        }
        for var in sums.iter() {
            self.function.vars[var] = Type::Nat;
        }
    }

    /// Whether an operation is a sum or product of nats below 2^63, or the like.
    fn is_sum(&self, op: &Op) -> bool {
        let Op::Prim(Prim::Inc | Prim::Add | Prim::Mul | Prim::Lsh, operands) = op else {
            return false;
        };
        self.unit.types_of(&self.function, operands).iter().all(|ty| ty.is(Type::Small))
    }

    /// The variables that a loop needs boxed and does not define.
    fn boxed_outside(&self, params: &[Var], body: BlockId) -> Vec<Var> {
        let mut inside = EntitySet::with_capacity(self.function.vars.len());
        inside.extend(params.iter().copied());
        let mut boxed = Vec::new();
        for id in self.function.blocks_under(body) {
            boxed.extend(self.used_as(id, UseForm::Boxed));
            inside.extend(self.function.blocks[id].terminator.bound());
            for stmt in &self.function.blocks[id].stmts {
                match stmt {
                    Stmt::Let(vars, _) => inside.extend(vars.iter().copied()),
                    Stmt::Join(join) => {
                        inside.extend(self.function.joins[*join].params.iter().copied());
                    }
                    Stmt::Rec(_) => {}
                }
            }
        }
        boxed.retain(|var| !inside.contains(*var));
        boxed
    }

    // Forms, in the order of the operands.

    fn op_forms(&self, op: &Op) -> Vec<UseForm> {
        let form = match op {
            Op::Force(_) | Op::Normalise(_) => UseForm::Unboxed,
            Op::Prim(prim, operands) => {
                match prim.takes_unboxed(operands, &self.unit.types_of(&self.function, operands)) {
                    true => UseForm::Unboxed,
                    false => UseForm::Boxed,
                }
            }
            Op::Call(call) => return self.call_forms(call),
            Op::Thunk(..) | Op::Delay(..) | Op::Partial(..) | Op::Row(_) => UseForm::Boxed,
            Op::Generate(..) | Op::ZeroRow(_) | Op::SetItem(_) => UseForm::Boxed,
        };
        op.operands().map(|_| form).collect()
    }

    fn call_forms(&self, call: &Call) -> Vec<UseForm> {
        let all_boxed = || call.args.iter().map(|_| UseForm::Boxed);
        match call.callee {
            Callee::Local(callee) => self.forms_of(&self.unit.functions[callee], None),
            Callee::Unknown(_) => all_boxed().chain([UseForm::Boxed]).collect(),
            Callee::Known(_) | Callee::Worker(_) | Callee::Jet(_) => all_boxed().collect(),
        }
    }

    fn terminator_forms(&self, terminator: &Terminator) -> Vec<UseForm> {
        match terminator {
            Terminator::Return(_) => {
                self.function.results.iter().map(|ty| UseForm::of(*ty)).collect()
            }
            Terminator::Jump(join, _) => self.forms_of(&self.function, Some(*join)),
            Terminator::Tail(call) => self.call_forms(call),
            Terminator::If(..) | Terminator::Switch(..) | Terminator::Direct(..) => {
                vec![UseForm::Unboxed]
            }
            Terminator::Enter(_)
            | Terminator::Reflect(..)
            | Terminator::Closure(..)
            | Terminator::Crash(..) => vec![UseForm::Boxed; terminator.operands().len()],
        }
    }

    /// The forms of the parameters of a function, or of a join point of it.
    fn forms_of(&self, function: &Function, join: Option<JoinId>) -> Vec<UseForm> {
        let params = join.map_or(&function.params, |join| &function.joins[join].params);
        params.iter().map(|param| UseForm::of(function.vars[*param])).collect()
    }

    fn result_types(&self, op: &Op) -> Vec<Type> {
        match op {
            Op::Prim(prim, operands) => {
                vec![prim.result_of(operands, &self.unit.types_of(&self.function, operands))]
            }
            Op::Force(a) | Op::Normalise(a) => self.unit.types_of(&self.function, &[*a]),
            Op::Call(call) => self.unit.results_of(call),
            Op::Thunk(..) | Op::Delay(..) | Op::Partial(..) | Op::Row(_) => vec![Type::Any],
            Op::Generate(..) | Op::ZeroRow(_) | Op::SetItem(_) => vec![Type::Whnf],
        }
    }
}

/// The variables that operations on words take.
fn words_of(function: &Function) -> EntitySet<Var> {
    let mut words = EntitySet::with_capacity(function.vars.len());
    for op in function.live_ops() {
        if matches!(op, Op::Prim(prim, _) if prim.is_word64()) {
            words.extend(op.operands().filter_map(Operand::var));
        }
    }
    words
}

/// The variable that is the value of a thunk which a statement evaluates.
fn evaluated_by(stmt: &Stmt) -> Option<Var> {
    match stmt {
        Stmt::Let(vars, Op::Force(_)) => vars.first().copied(),
        _ => None,
    }
}

/// Whether a statement only makes objects, which keep its operands.
pub(super) fn is_allocation(stmt: &Stmt) -> bool {
    match stmt {
        Stmt::Let(_, op) => {
            matches!(op, Op::Thunk(..) | Op::Delay(..) | Op::Partial(..) | Op::Row(_))
        }
        Stmt::Rec(_) => true,
        Stmt::Join(_) => false,
    }
}
