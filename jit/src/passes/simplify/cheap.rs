//! Thunks that are not made, since their value costs no more than they do.
//!
//! What a thunk stands for may be done at once if it is a few operations that always end, on values
//! that are evaluated, or makes a row of no more room. Often they are not known to be, but are when it comes to it: a counter that is
//! passed on lazily is a nat after all. So where everything depends on a few values being nats below
//! 2^63, code asks whether they are, and makes the thunk only if not.

use super::Walker;
use crate::ir::{End, Function, FunctionId, Op, Operand, Role, Stmt, Type};

/// A thunk's code is done at once if it is at most this long.
const CHEAP: usize = 4;
/// If it has to be asked what it is given, at most this long,
const GUESSED: usize = 7;
/// and about so many values.
const GUESSES: usize = 2;

impl<'u> Walker<'u> {
    /// The value of a thunk to be, perhaps one that is itself not evaluated, if finding it costs next to
    /// nothing.
    pub(super) fn at_once(&mut self, entry: FunctionId, captures: &[Operand]) -> Option<Operand> {
        let types = self.unit.types_of(&self.out, captures);
        let is_cheap = self.rules.eager && self.is_cheap(entry, &types, CHEAP);
        is_cheap.then(|| self.inline_lazily(entry, captures))
    }

    /// The value of a thunk to be, if finding it costs next to nothing when some of what it
    /// captures is nats below 2^63: code that looks whether it is, and makes the thunk if not.
    pub(super) fn guess(&mut self, entry: FunctionId, captures: &[Operand]) -> Option<Operand> {
        let types = self.unit.types_of(&self.out, captures);
        let mut guessed: Vec<Operand> = Vec::new();
        let mut hoped = types.clone();
        for (capture, ty) in captures.iter().zip(&mut hoped).filter(|(_, ty)| **ty > Type::Nat) {
            *ty = Type::Small;
            if !guessed.contains(capture) {
                guessed.push(*capture);
            }
        }
        let is_worth_it = self.rules.guess
            && (1..=GUESSES).contains(&guessed.len())
            && guessed.iter().all(|capture| !self.facts.is_not_direct(*capture))
            && self.depth + GUESSES + 2 < crate::ir::DEPTH_LIMIT
            && self.is_cheap(entry, &hoped, GUESSED);
        if !is_worth_it {
            return None;
        }
        let value = self.out.var(Type::Any);
        let after = self.new_block();
        let join = self.out.join(vec![value], after, false);
        self.push(Stmt::Join(join));
        self.guess_each(&guessed, &mut |walker, are_nats| {
            let captures: Vec<Operand> = captures.iter().map(|a| walker.facts.best(*a)).collect();
            let made = match are_nats {
                true => walker.inline_lazily(entry, &captures),
                false => walker.emit(Type::Any, Op::Thunk(entry, captures)),
            };
            walker.end_with(End::Jump(join, vec![made]));
        });
        self.block = after;
        self.depth += 1;
        Some(value.into())
    }

    /// Asks of each of some values whether it is a nat below 2^63, and writes what is to be done if
    /// all of them are and if one is not.
    fn guess_each(&mut self, guessed: &[Operand], write: &mut dyn FnMut(&mut Self, bool)) {
        let Some((first, rest)) = guessed.split_first() else { return write(self, true) };
        let nat = self.out.var(Type::Small);
        let yes = self.branch(|walker| {
            walker.facts.equate(*first, nat.into());
            walker.guess_each(rest, write);
        });
        let no = self.branch(|walker| {
            walker.facts.not_direct(*first);
            write(walker, false);
        });
        self.end_with(End::Direct(*first, nat, yes, no));
    }

    /// Whether a thunk's code is no more than operations that always end and are done in a few
    /// instructions, for captures of these types.
    fn is_cheap(&self, entry: FunctionId, types: &[Type], limit: usize) -> bool {
        if self.infos[entry.index()].size > limit || !self.may_inline(entry) {
            return false;
        }
        let source = &self.unit.functions[entry.index()];
        let mut known = Function::new(Role::Thunk);
        known.vars = source.vars.clone();
        for (param, ty) in source.params.iter().zip(types) {
            known.vars[param.index()] = *ty;
        }
        let block = &source.blocks[source.entry.index()];
        let room = types.len() + 1;
        let cheap = |stmt: &Stmt, known: &mut Function| {
            let Stmt::Let(vars, op) = stmt else { return false };
            let types = self.unit.types_of(known, &op.operands().collect::<Vec<_>>());
            let ty = match op {
                // It takes no more room than the thunk would.
                Op::Row(parts) | Op::Partial(_, parts) if parts.len() <= room => {
                    vars.iter().for_each(|var| known.vars[var.index()] = Type::Whnf);
                    return true;
                }
                Op::Force(_) => types[0],
                Op::Prim(prim, operands) if prim.is_cheap(&types) => {
                    prim.result_of(operands, &types)
                }
                _ => return false,
            };
            vars.iter().for_each(|var| known.vars[var.index()] = ty);
            types.iter().all(|ty| ty.is(Type::Whnf))
        };
        block.stmts.iter().all(|stmt| cheap(stmt, &mut known))
            && matches!(&block.end, End::Return(_) | End::Enter(_))
    }
}
