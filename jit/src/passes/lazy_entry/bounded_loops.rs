//! Short loops in speculated code: a loop that computes nats runs for a few turns.
//!
//! ```text
//! call f1(v1, v2)     loop j1(v3, v4, left) { if iszero left { jump otherwise } else { .. } }
//!                     jump j1(v1, v2, 8)
//! ```
//!
//! A square root by Newton's method, the digits of a small number, the sum of a short row take a few
//! turns, and a thunk for them makes thunks of all that is computed from them. A loop that takes more
//! turns is left by the way out that makes the thunk, so the time stays bounded. Of loops that compute other
//! values, and of functions that call themselves in other ways, one turn is written. (Speculation with a
//! limit and abortion: Ennals, Peyton Jones, "Optimistic evaluation", ICFP 2003.)

use super::{Exits, LazyEntryWriter, SourceCode};
use crate::analysis::call_graph::{referenced_functions, tail_calls};
use crate::ir::{
    Callee, Function, FunctionId, FunctionRole, JoinId, Op, Operand, Prim, Stmt, Terminator, Type,
    Var,
};

/// The most turns of a loop.
const TURNS_LIMIT: u64 = 8;

/// The loop that a function's calls of itself continue.
#[derive(Clone, Copy)]
pub(super) struct OwnLoop {
    function: FunctionId,
    join: JoinId,
    /// The turns that are left after this one.
    left: Operand,
}

impl<'u> LazyEntryWriter<'u> {
    /// Writes the code of a function, as a loop if it calls itself only at its end and computes nats. Of
    /// other functions that call themselves, the calls leave.
    pub(super) fn function_code(
        &mut self,
        id: FunctionId,
        function: &'u Function,
        args: &[Operand],
        exits: Exits,
    ) -> Option<()> {
        let calls = referenced_functions(function).into_iter().filter(|callee| *callee == id);
        let count = calls.count();
        if count == 0 {
            self.code(&mut SourceCode::new(function, args, exits), function.entry);
            return Some(());
        }
        let own_tail_calls =
            tail_calls(function).filter(|call| call.callee == Callee::Local(id)).count();
        let is_loop = function.role == FunctionRole::Worker && own_tail_calls == count;
        if !is_loop || !self.may_loop(&function.results) {
            if !self.may_dispatch {
                return None;
            }
            self.code(&mut SourceCode::new(function, args, exits), function.entry);
            return Some(());
        }
        let types = function.param_types();
        let (join, params) = self.begin_loop(&types);
        self.push(Stmt::Join(join));
        self.terminate(Terminator::Jump(join, [args, &[Operand::Small(TURNS_LIMIT)]].concat()));
        self.write_turn(join, &params, exits, |this, params, left| {
            let mut code = SourceCode::new(function, params, exits);
            code.own_loop = Some(OwnLoop { function: id, join, left });
            this.code(&mut code, function.entry);
        });
        Some(())
    }

    /// Writes a loop of the code, as a loop of a few turns if it computes nats. Of another loop, the jump
    /// to it becomes the first turn, and the jumps to the next turn leave.
    pub(super) fn loop_join(&mut self, code: &mut SourceCode<'u>, id: JoinId) -> Option<()> {
        let loop_ = &code.function.joins[id];
        if !self.may_loop(&code.function.results) {
            code.first_turns[id] = self.may_dispatch;
            return self.may_dispatch.then_some(());
        }
        let types: Vec<Type> = loop_.params.iter().map(|var| code.function.vars[*var]).collect();
        let (join, params) = self.begin_loop(&types);
        self.push(Stmt::Join(join));
        code.joins[id] = Some(join);
        code.turns[id] = Some(Operand::Small(TURNS_LIMIT));
        let here = self.block;
        let mut inner = code.clone();
        self.write_turn(join, &params, code.exits, |this, params, left| {
            inner.bind_all(&loop_.params, params);
            inner.turns[id] = Some(left);
            this.code(&mut inner, loop_.body);
        });
        self.block = here;
        Some(())
    }

    /// Writes the turn of a loop that a jump begins, if that is the first one.
    pub(super) fn first_turn(
        &mut self,
        code: &mut SourceCode<'u>,
        id: JoinId,
        args: &[Operand],
    ) -> Option<()> {
        if !std::mem::take(&mut code.first_turns[id]) {
            return None;
        }
        let loop_ = &code.function.joins[id];
        code.bind_all(&loop_.params, args);
        self.code(code, loop_.body);
        Some(())
    }

    /// A call in tail position that continues the loop of its function.
    pub(super) fn next_turn(
        &mut self,
        code: &SourceCode<'u>,
        callee: FunctionId,
        args: &[Operand],
    ) -> Option<()> {
        let own = code.own_loop.filter(|own| own.function == callee)?;
        self.terminate(Terminator::Jump(own.join, [code.operands(args), vec![own.left]].concat()));
        Some(())
    }

    /// Whether a loop of code with these results may be written here. Loops do not nest.
    fn may_loop(&self, results: &[Type]) -> bool {
        !self.is_in_loop && results.iter().all(|ty| ty.is(Type::Nat))
    }

    /// A join point with parameters of these types, and the number of turns that are left.
    fn begin_loop(&mut self, types: &[Type]) -> (JoinId, Vec<Var>) {
        let types = types.iter().copied().chain([Type::Small]);
        let params: Vec<Var> = types.map(|ty| self.out.new_var(ty)).collect();
        let body = self.new_block();
        (self.out.new_join(params.clone(), body, true), params)
    }

    /// Writes the code of a loop, after the test whether a turn is left. `write` gets the parameters,
    /// and the number of turns left after this one.
    fn write_turn(
        &mut self,
        join: JoinId,
        params: &[Var],
        exits: Exits,
        write: impl FnOnce(&mut Self, &[Operand], Operand),
    ) {
        let operands: Vec<Operand> = params.iter().map(|var| (*var).into()).collect();
        let Some((left, params)) = operands.split_last() else { return };
        let depth = self.depth;
        self.continue_in(self.out.joins[join].body);
        let is_last = self.emit(Type::Bit, Op::Prim(Prim::IsZero, vec![*left]));
        let (next, leave) = self.test_blocks(exits.otherwise);
        self.terminate(Terminator::If(is_last, leave, next));
        self.continue_in(next);
        let rest = self.emit(Type::Small, Op::Prim(Prim::Dec, vec![*left]));
        self.is_in_loop = true;
        self.loops += 1;
        write(self, params, rest);
        self.is_in_loop = false;
        self.depth = depth;
    }
}
