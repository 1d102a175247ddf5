//! Objects: thunks, applications and rows, made in the nursery by moving a pointer.
//!
//! Neighbouring objects are allocated together: one comparison, and a call only if there is no
//! room. All their addresses are known then, so they may point to each other.

use super::GiveUp;
use super::lower::{Lower, block_size};
use crate::ir::{ConstantId, FunctionRole, Op, Operand, Var};
use crate::runtime::Stub;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Value};
use vm::native::layout::{self, Object};
use vm::native::offset;

/// More words than this are not allocated in place.
const LIMIT: usize = 1 << 9;

/// An object to be made.
struct Plan {
    var: Var,
    kind: Object,
    extra: u64,
    /// Payload words, those that are not filled included.
    size: usize,
    /// The code of a thunk, if it is the first word.
    code: Option<u32>,
    /// The words after that.
    fields: Vec<Operand>,
}

impl Lower<'_, '_> {
    /// Whether the operation makes an object that is allocated in place.
    pub(super) fn is_allocation(&self, op: &Op) -> bool {
        match op {
            Op::Thunk(..) => true,
            Op::Delay(_, args) | Op::Row(args) => args.len() + 2 < LIMIT,
            Op::Partial(k, args) => args.len() + 2 < LIMIT && self.is_plain(*k),
            _ => false,
        }
    }

    /// Whether a constant applied to too few arguments is just an app.
    fn is_plain(&self, k: ConstantId) -> bool {
        let top = u64::from(self.facts(k).top);
        top == layout::top::PIN || top == layout::top::LAW
    }

    /// Makes objects, which may refer to each other.
    pub(super) fn allocate(&mut self, group: &[(Var, Op)]) -> Result<(), GiveUp> {
        let mut rest = group;
        let plans: Result<Vec<Plan>, GiveUp> =
            rest.iter().map(|(var, op)| self.plan(*var, op)).collect();
        let plans = plans?;
        let words: usize = plans.iter().map(|plan| 1 + plan.size).sum();
        if words >= LIMIT {
            // Too much at once: those that do not refer to each other one by one.
            let refers = |plan: &Plan| {
                let own = |f: &Operand| group.iter().any(|(var, _)| *f == Operand::Var(*var));
                plan.fields.iter().any(own)
            };
            if group.len() == 1 || plans.iter().any(refers) {
                return Err(GiveUp::Shape("too large objects"));
            }
            while let Some((first, after)) = rest.split_first() {
                self.allocate(std::slice::from_ref(first))?;
                rest = after;
            }
            return Ok(());
        }
        let start = self.room(words);
        let mut offset = 0;
        for plan in &plans {
            let tag = plan.kind.tag();
            let address = self.emit.b.ins().iadd_imm_s(start, offset as i64);
            let word = self.emit.b.ins().bor_imm_s(address, tag as i64);
            self.define(plan.var, word);
            offset += 8 * (1 + plan.size);
        }
        let mut offset = 0;
        for plan in &plans {
            let address = self.emit.b.ins().iadd_imm_s(start, offset as i64);
            self.fill(address, plan);
            offset += 8 * (1 + plan.size);
        }
        Ok(())
    }

    fn plan(&self, var: Var, op: &Op) -> Result<Plan, GiveUp> {
        let plan = |kind, extra, size, code, fields| Plan { var, kind, extra, size, code, fields };
        let with = |function: Operand, args: &[Operand]| [&[function], args].concat();
        Ok(match op {
            Op::Thunk(function, captures) => {
                debug_assert!(self.unit.functions[*function].role == FunctionRole::Thunk);
                // A crash needs room for two words.
                let size = (1 + captures.len()).max(2);
                let count = captures.len() as u64;
                plan(Object::ThunkCode, count, size, Some(function.as_u32()), captures.clone())
            }
            Op::Delay(function, args) => {
                plan(Object::ThunkApp, 0, 1 + args.len(), None, with(*function, args))
            }
            Op::Row(items) => plan(Object::Row, 0, items.len(), None, items.clone()),
            Op::Partial(k, args) => {
                if !self.is_plain(*k) {
                    return Err(GiveUp::Shape("an app of data refers to itself"));
                }
                let left = self.unit.constants[*k].arity - args.len() as u64;
                let fields = with(Operand::Constant(*k), args);
                let left = left.min(layout::EXTRA_LIMIT);
                plan(Object::App, left, 1 + args.len(), None, fields)
            }
            _ => return Err(GiveUp::Shape("an operation that makes no object is in a rec")),
        })
    }

    /// Moves the pointer, after a collection if need be; the address of the first object.
    pub(super) fn room(&mut self, words: usize) -> Value {
        let (full, (done, start)) = (self.emit.cold_block(), self.emit.block_of_word());
        let next = self.emit.load_context(offset::NURSERY_NEXT);
        let end = self.emit.load_context(offset::NURSERY_END);
        let after = self.emit.b.ins().iadd_imm_s(next, 8 * words as i64);
        let fits = self.emit.b.ins().icmp(IntCC::UnsignedLessThanOrEqual, after, end);
        self.emit.b.ins().brif(fits, done, &[next.into()], full, &[]);
        self.emit.go_on_in(full);
        let needed = self.emit.constant(words as u64);
        self.emit.call_stub(Stub::Room, &[needed]);
        let next = self.emit.load_context(offset::NURSERY_NEXT);
        self.emit.jump(done, &[next]);
        self.emit.go_on_in(done);
        let after = self.emit.b.ins().iadd_imm_s(start, 8 * words as i64);
        self.emit.store_context(after, offset::NURSERY_NEXT);
        start
    }

    fn fill(&mut self, address: Value, plan: &Plan) {
        let header = self.emit.constant(plan.kind.header(plan.extra, plan.size));
        self.emit.store(header, address, 0);
        let mut index = 0;
        if let Some(function) = plan.code {
            let code = self.emit.function_address(function, 1);
            let code = self.emit.b.ins().bor_imm_s(code, layout::NATIVE_TAG as i64);
            self.emit.set_payload(address, 0, code);
            index = 1;
        }
        for field in &plan.fields {
            let word = self.word(*field);
            self.emit.set_payload(address, index, word);
            index += 1;
        }
        while index < plan.size {
            let zero = self.emit.constant(0);
            self.emit.set_payload(address, index, zero);
            index += 1;
        }
    }

    /// A row that is too long to be made in place.
    pub(super) fn long_row(&mut self, items: &[Operand]) -> Result<Value, GiveUp> {
        let words = self.words(items);
        Ok(self.emit.call_stub(Stub::Row(block_size(words.len() - 1)?), &words))
    }
}
