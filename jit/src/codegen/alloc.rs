//! Allocating thunks, applications and rows in the nursery, by moving a pointer.
//!
//! Objects of neighbouring statements are allocated together: one comparison, and a call only if the
//! nursery is full. All addresses are known before the first object is filled, so the objects may point
//! to each other.

use super::error::CompileError;
use super::symbol::Stub;
use super::translator::{FunctionTranslator, variadic};
use crate::analysis::cheap_code::is_cheap_on_nats;
use crate::ir::{
    Call, Callee, ConstantId, ConstantKind, Function, FunctionRole, Op, Operand, Prim, Stmt,
    Terminator, Var,
};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Block, InstBuilder, Value};
use vm::native::layout::{self, ObjectKind};
use vm::native::offset;

/// Allocations of this many words or more are not made in place.
const LIMIT: usize = 1 << 9;

/// An object that will be allocated.
struct ObjectPlan {
    var: Var,
    kind: ObjectKind,
    /// The extra number of the header.
    extra: u64,
    /// The size of the payload in words, unused words included.
    size: usize,
    /// The function that is the code of a thunk. Its address is the first word then.
    code: Option<u32>,
    /// The other words.
    fields: Vec<Operand>,
}

impl FunctionTranslator<'_, '_> {
    /// Whether an operation makes an object that is allocated in place.
    pub(super) fn is_allocation(&self, op: &Op) -> bool {
        match op {
            Op::Thunk(..) => self.delayed_call(op).is_none(),
            Op::Delay(_, args) => args.len() + 2 < LIMIT && self.delayed_call(op).is_none(),
            Op::Row(args) => args.len() + 2 < LIMIT,
            Op::Partial(k, args) => args.len() + 2 < LIMIT && self.is_plain(*k),
            _ => false,
        }
    }

    /// Whether a constant applied to too few arguments has the shape of an app. Data has other shapes.
    fn is_plain(&self, k: ConstantId) -> bool {
        let top = u64::from(self.facts(k).top);
        let is_function = top == layout::top::PIN || top == layout::top::LAW;
        is_function || self.unit.constants[k].kind == ConstantKind::Nat
    }

    /// Allocates objects, which may refer to each other.
    pub(super) fn allocate(&mut self, group: &[(Var, Op)]) -> Result<(), CompileError> {
        let mut rest = group;
        let plans: Result<Vec<ObjectPlan>, CompileError> =
            rest.iter().map(|(var, op)| self.plan(*var, op)).collect();
        let plans = plans?;
        let words: usize = plans.iter().map(|plan| 1 + plan.size).sum();
        if words >= LIMIT {
            // Too large together. Objects that do not refer to each other are allocated one by one.
            let refers = |plan: &ObjectPlan| {
                let own = |f: &Operand| group.iter().any(|(var, _)| *f == Operand::Var(*var));
                plan.fields.iter().any(own)
            };
            if group.len() == 1 || plans.iter().any(refers) {
                return Err(CompileError::Shape("too large objects"));
            }
            while let Some((first, after)) = rest.split_first() {
                self.allocate(std::slice::from_ref(first))?;
                rest = after;
            }
            return Ok(());
        }
        let start = self.bump_allocate(words);
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

    /// Allocates one object, and returns its word.
    pub(super) fn allocate_one(&mut self, var: Var, op: &Op) -> Result<Value, CompileError> {
        let plan = self.plan(var, op)?;
        let start = self.bump_allocate(1 + plan.size);
        self.fill(start, &plan);
        Ok(self.emit.b.ins().bor_imm_s(start, plan.kind.tag() as i64))
    }

    /// Defines a variable as the value that `at_once` computes, or, where that continues at the block
    /// that it is given, as the object that an operation makes, after what `before_object` does.
    pub(super) fn define_or_allocate(
        &mut self,
        var: Var,
        op: &Op,
        at_once: impl FnOnce(&mut Self, Block) -> Value,
        before_object: impl FnOnce(&mut Self),
    ) -> Result<(), CompileError> {
        let (slowly, (done, result)) = (self.emit.block(), self.emit.block_with_param());
        let value = at_once(self, slowly);
        self.emit.jump(done, &[value]);
        self.emit.switch_to(slowly);
        before_object(self);
        let object = self.allocate_one(var, op)?;
        self.emit.jump(done, &[object]);
        self.emit.switch_to(done);
        self.define(var, result);
        Ok(())
    }

    /// The object that an operation makes.
    fn plan(&self, var: Var, op: &Op) -> Result<ObjectPlan, CompileError> {
        let plan =
            |kind, extra, size, code, fields| ObjectPlan { var, kind, extra, size, code, fields };
        let with = |function: Operand, args: &[Operand]| [&[function], args].concat();
        Ok(match op {
            Op::Thunk(function, captures)
                if let Some(parts) = applied_parts(&self.unit.functions[*function], captures) =>
            {
                plan(ObjectKind::ThunkApp, layout::CHEAP_THUNK, parts.len(), None, parts)
            }
            Op::Thunk(function, captures) => {
                debug_assert!(self.unit.functions[*function].role == FunctionRole::Thunk);
                // A crash overwrites the thunk with two words.
                let size = (1 + captures.len()).max(2);
                let (kind, extra) = match selected_item(&self.unit.functions[*function]) {
                    Some(index) => (ObjectKind::Selector, index),
                    None => {
                        let is_cheap = is_cheap_on_nats(self.unit, *function);
                        let flag = if is_cheap { layout::CHEAP_THUNK } else { 0 };
                        (ObjectKind::ThunkCode, flag | captures.len() as u64)
                    }
                };
                plan(kind, extra, size, Some(function.as_u32()), captures.clone())
            }
            Op::Delay(function, args) => {
                plan(ObjectKind::ThunkApp, 0, 1 + args.len(), None, with(*function, args))
            }
            Op::Row(items) => plan(ObjectKind::Row, 0, items.len(), None, items.clone()),
            Op::Partial(k, args) => {
                if !self.is_plain(*k) {
                    return Err(CompileError::Shape("an app of data refers to itself"));
                }
                let left = self.unit.constants[*k].arity - args.len() as u64;
                let fields = with(Operand::Constant(*k), args);
                let left = left.min(layout::EXTRA_LIMIT);
                plan(ObjectKind::App, left, 1 + args.len(), None, fields)
            }
            _ => {
                return Err(CompileError::Shape(
                    "an operation in a recursive group makes no object",
                ));
            }
        })
    }

    /// Takes words of the nursery, and returns their address. Collects if the nursery is full.
    pub(super) fn bump_allocate(&mut self, words: usize) -> Value {
        let (full, (done, start)) = (self.emit.cold_block(), self.emit.block_with_param());
        let next = self.emit.load_context(offset::NURSERY_NEXT);
        let end = self.emit.load_context(offset::NURSERY_END);
        let after = self.emit.b.ins().iadd_imm_s(next, 8 * words as i64);
        let fits = self.emit.b.ins().icmp(IntCC::UnsignedLessThanOrEqual, after, end);
        self.emit.b.ins().brif(fits, done, &[next.into()], full, &[]);
        self.emit.switch_to(full);
        let needed = self.emit.constant(words as u64);
        self.call_rarely_before_use(Stub::Room, &[needed]);
        let next = self.emit.load_context(offset::NURSERY_NEXT);
        self.emit.jump(done, &[next]);
        self.emit.switch_to(done);
        let after = self.emit.b.ins().iadd_imm_s(start, 8 * words as i64);
        self.emit.store_context(after, offset::NURSERY_NEXT);
        start
    }

    /// Takes the words of a row of `count` items, and writes its header. Returns its address, and the
    /// address `8 * count` bytes above. Continues at `otherwise` if the nursery has no room; does not collect.
    pub(super) fn bump_allocate_row(&mut self, count: Value, otherwise: Block) -> (Value, Value) {
        let next = self.emit.load_context(offset::NURSERY_NEXT);
        let end = self.emit.load_context(offset::NURSERY_END);
        let bytes = self.emit.b.ins().ishl_imm_s(count, 3);
        let last = self.emit.b.ins().iadd(next, bytes);
        let after = self.emit.b.ins().iadd_imm_s(last, i64::from(layout::PAYLOAD));
        let fits = self.emit.b.ins().icmp(IntCC::UnsignedLessThanOrEqual, after, end);
        self.emit.guard(fits, otherwise);
        self.emit.store_context(after, offset::NURSERY_NEXT);
        let size = self.emit.b.ins().ishl_imm_s(count, 32);
        let header = self.emit.b.ins().bor_imm_s(size, ObjectKind::Row.header(0, 0) as i64);
        self.emit.store(header, next, 0);
        (next, last)
    }

    /// Writes the words of an object.
    fn fill(&mut self, address: Value, plan: &ObjectPlan) {
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

    /// Makes a row that is too long to be allocated in place.
    pub(super) fn long_row(&mut self, items: &[Operand]) -> Result<Value, CompileError> {
        let words = self.words(items);
        Ok(self.emit.call_stub(Stub::Row(variadic(words.len() - 1)?), &words))
    }
}

/// The function and the arguments, if a thunk's code only applies a captured function to captured values. Such a
/// thunk is made as an application: the interpreter can tell whether that is cheap by now.
fn applied_parts(function: &Function, captures: &[Operand]) -> Option<Vec<Operand>> {
    let block = &function.blocks[function.entry];
    let Terminator::Tail(Call { callee: Callee::Unknown(applied), args }) = &block.terminator
    else {
        return None;
    };
    let captured = |operand: &Operand| {
        let place = function.params.iter().position(|param| *operand == (*param).into());
        place.map_or(Some(*operand), |place| captures.get(place).copied())
    };
    let parts = [applied].into_iter().chain(args).map(captured);
    block.stmts.is_empty().then(|| parts.collect())?
}

/// The index of the item that a thunk's code selects, if it does nothing else: it evaluates its only
/// captured value and enters the item.
fn selected_item(function: &Function) -> Option<u64> {
    let block = &function.blocks[function.entry];
    let (&[row], [Stmt::Let(forced, force), Stmt::Let(item, select)], Terminator::Enter(entered)) =
        (&function.params[..], &block.stmts[..], &block.terminator)
    else {
        return None;
    };
    let (&[forced], &[item]) = (&forced[..], &item[..]) else { return None };
    let Op::Prim(Prim::Item, args) = select else { return None };
    let &[from, Operand::Small(index)] = &args[..] else { return None };
    let selects = *force == Op::Force(Operand::Var(row)) && from == Operand::Var(forced);
    let enters = *entered == Operand::Var(item);
    (selects && enters && index < layout::EXTRA_LIMIT).then_some(index)
}
