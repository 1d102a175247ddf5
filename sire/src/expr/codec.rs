//! Encodes expressions as PLAN values, and decodes them.
//!
//! ```text
//! variable   its index            letrec   ["R" [values..] body]
//! value      ["K" value]          inline   ["M" function]
//! global     ["G" binding]        lambda   ["F" pinned inline recursive tag arity body]
//! call       ["A" function arg]
//! let        ["L" value body]
//! ```

use super::binding_cache::BindingCache;
use super::node::{
    self, BINDERS_MAX, ExprKind, Lambda, SireExpr, app, constant, global, lambda, let_in, let_rec,
    var,
};
use crate::malformed::MalformedValue;
use plan::{EvalError, Items, Natural, Ref, ValueBuilder};
use vm::Vm;

/// Work that is still to be done.
enum EncodeTask<'e> {
    Encode(&'e SireExpr),
    /// Make a row of this number of values.
    Row(usize),
}

/// Pushes the encoded form of an expression.
pub(crate) fn encode(b: &mut ValueBuilder<'_>, expr: &SireExpr) -> Result<(), EvalError> {
    let mut tasks = vec![EncodeTask::Encode(expr)];
    while let Some(task) = tasks.pop() {
        match task {
            EncodeTask::Encode(expr) => encode_node(b, expr, &mut tasks)?,
            EncodeTask::Row(count) => b.row(count)?,
        }
    }
    Ok(())
}

/// Encodes a leaf. Of any other node, this pushes the tag, and tasks for the rest.
fn encode_node<'e>(
    b: &mut ValueBuilder<'_>,
    expr: &'e SireExpr,
    tasks: &mut Vec<EncodeTask<'e>>,
) -> Result<(), EvalError> {
    b.room_for(8)?;
    match &expr.kind {
        ExprKind::Var(index) => b.push_nat(u64::from(*index))?,
        ExprKind::Const(value) => {
            push_tag(b, b'K')?;
            b.push(value);
            b.row(2)?;
        }
        ExprKind::Global(binding) => {
            push_tag(b, b'G')?;
            b.push(&binding.encoded);
            b.row(2)?;
        }
        ExprKind::App(function, arg) => {
            push_tag(b, b'A')?;
            tasks.push(EncodeTask::Row(3));
            tasks.extend([arg, function].map(EncodeTask::Encode));
        }
        ExprKind::Let(value, body) => {
            push_tag(b, b'L')?;
            tasks.push(EncodeTask::Row(3));
            tasks.extend([body, value].map(EncodeTask::Encode));
        }
        ExprKind::LetRec(values, body) => {
            push_tag(b, b'R')?;
            tasks.extend([EncodeTask::Row(3), EncodeTask::Encode(body)]);
            tasks.push(EncodeTask::Row(values.len()));
            tasks.extend(values.iter().rev().map(EncodeTask::Encode));
        }
        ExprKind::Inline(inner) => {
            push_tag(b, b'M')?;
            tasks.extend([EncodeTask::Row(2), EncodeTask::Encode(inner)]);
        }
        ExprKind::Lambda(lambda) => {
            push_tag(b, b'F')?;
            for flag in [lambda.pinned, lambda.inline, lambda.recursive] {
                b.push_nat(u64::from(flag))?;
            }
            b.push_natural(&lambda.tag)?;
            b.push_nat(u64::from(lambda.arity))?;
            tasks.extend([EncodeTask::Row(7), EncodeTask::Encode(&lambda.body)]);
        }
    }
    Ok(())
}

fn push_tag(b: &mut ValueBuilder<'_>, tag: u8) -> Result<(), EvalError> {
    b.push_nat(u64::from(tag))
}

/// A node whose subexpressions are decoded first.
enum PendingNode<'h> {
    App,
    Let,
    LetRec(usize),
    Inline,
    Lambda { flags: [bool; 3], tag: Ref<'h>, arity: u32 },
}

enum DecodeTask<'h> {
    /// Decode a value under this number of binders.
    Visit(Ref<'h>, u32),
    /// Build a node from the last results.
    Build(PendingNode<'h>),
}

/// Decodes a closed expression.
pub(crate) fn decode(
    vm: &Vm,
    bindings: &BindingCache,
    value: Ref<'_>,
) -> Result<SireExpr, MalformedValue> {
    let mut tasks = vec![DecodeTask::Visit(value, 0)];
    let mut done = Vec::new();
    while let Some(task) = tasks.pop() {
        match task {
            DecodeTask::Visit(value, depth) => match value.as_nat() {
                Some(index) => match index.to_u64() {
                    Some(index) if index < u64::from(depth) => done.push(var(index as u32)),
                    _ => return Err(MalformedValue("code: a variable without a binder")),
                },
                None => decode_row(vm, bindings, value, depth, &mut tasks, &mut done)?,
            },
            DecodeTask::Build(node) => node.build(&mut done),
        }
    }
    Ok(done.pop().expect("the task for the root leaves a result"))
}

const BAD_CODE: MalformedValue = MalformedValue("code: an expression is not of a known form");

fn decode_row<'h>(
    vm: &Vm,
    bindings: &BindingCache,
    value: Ref<'h>,
    depth: u32,
    tasks: &mut Vec<DecodeTask<'h>>,
    done: &mut Vec<SireExpr>,
) -> Result<(), MalformedValue> {
    let row: Items<'h> = value.as_row().ok_or(BAD_CODE)?;
    let items: Vec<Ref<'h>> = row.iter().take(8).collect();
    let tag = items.first().and_then(|tag| tag.as_u64()).ok_or(BAD_CODE)?;
    match (u8::try_from(tag), &items[1..]) {
        (Ok(b'K'), [value]) => done.push(constant(vm.hold(*value))),
        (Ok(b'G'), [binding]) => done.push(global(bindings.find(vm, *binding)?)),
        (Ok(b'A'), [function, arg]) => tasks.extend([
            DecodeTask::Build(PendingNode::App),
            DecodeTask::Visit(*arg, depth),
            DecodeTask::Visit(*function, depth),
        ]),
        (Ok(b'L'), [value, body]) => tasks.extend([
            DecodeTask::Build(PendingNode::Let),
            DecodeTask::Visit(*body, deepen(depth, 1)?),
            DecodeTask::Visit(*value, depth),
        ]),
        (Ok(b'R'), [values, body]) => {
            let values = values.as_row().ok_or(BAD_CODE)?;
            let depth = deepen(depth, values.len() as u64)?;
            let node = PendingNode::LetRec(values.len());
            tasks.extend([DecodeTask::Build(node), DecodeTask::Visit(*body, depth)]);
            tasks.extend(values.iter().rev().map(|value| DecodeTask::Visit(value, depth)));
        }
        (Ok(b'M'), [inner]) => {
            let node = DecodeTask::Build(PendingNode::Inline);
            tasks.extend([node, DecodeTask::Visit(*inner, depth)]);
        }
        (Ok(b'F'), [pinned, inline, recursive, tag, arity, body]) => {
            let flags = [flag(*pinned)?, flag(*inline)?, flag(*recursive)?];
            tag.as_nat().ok_or(BAD_LAMBDA)?;
            let arity = arity.as_u64().ok_or(BAD_LAMBDA)?;
            let depth = deepen(depth, arity.saturating_add(1))?;
            let node = PendingNode::Lambda { flags, tag: *tag, arity: arity as u32 };
            tasks.extend([DecodeTask::Build(node), DecodeTask::Visit(*body, depth)]);
        }
        _ => return Err(BAD_CODE),
    }
    Ok(())
}

const BAD_LAMBDA: MalformedValue = MalformedValue("code: a lambda's flags, tag or arity");

fn flag(value: Ref<'_>) -> Result<bool, MalformedValue> {
    match value.as_u64() {
        Some(0) => Ok(false),
        Some(1) => Ok(true),
        _ => Err(BAD_LAMBDA),
    }
}

fn deepen(depth: u32, binders: u64) -> Result<u32, MalformedValue> {
    match u64::from(depth).checked_add(binders) {
        Some(sum) if sum <= u64::from(BINDERS_MAX) => Ok(sum as u32),
        _ => Err(MalformedValue("code: too many binders")),
    }
}

impl PendingNode<'_> {
    /// Replaces the last results by the node that they are the subexpressions of.
    fn build(self, done: &mut Vec<SireExpr>) {
        let mut pop = || done.pop().expect("one result for each subexpression");
        let built = match self {
            PendingNode::App => {
                let arg = pop();
                app(pop(), arg)
            }
            PendingNode::Let => {
                let body = pop();
                let_in(pop(), body)
            }
            PendingNode::LetRec(count) => {
                let body = pop();
                let values = done.split_off(done.len() - count);
                let_rec(values, body)
            }
            PendingNode::Inline => node::inline(pop()),
            PendingNode::Lambda { flags: [pinned, inline, recursive], tag, arity } => {
                let tag = tag.as_nat().map_or(Natural::from(0u8), |nat| nat.to_natural());
                lambda(Lambda { pinned, inline, recursive, tag, arity, body: pop() })
            }
        };
        done.push(built);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plan::Val;
    use proptest::prelude::*;
    use runtime::RuntimeBuilder;

    /// Makes an expression from bytes, under `depth` binders and with at most `fuel` levels.
    fn expr(vm: &mut Vm, bytes: &mut impl Iterator<Item = u8>, depth: u32, fuel: u32) -> SireExpr {
        let (form, detail) = (bytes.next().unwrap_or(0), bytes.next().unwrap_or(0));
        let many = u32::from(detail % 3);
        let mut part = |more| expr(vm, bytes, depth + more, fuel.saturating_sub(1));
        match if fuel == 0 { form % 2 } else { form % 7 } {
            0 if depth > 0 => var(u32::from(detail) % depth),
            0 | 1 => constant(vm.nat(u64::from(detail))),
            2 => app(part(0), part(0)),
            3 => let_in(part(0), part(1)),
            4 => let_rec((0..many).map(|_| part(many)).collect(), part(many)),
            5 => node::inline(part(0)),
            _ => lambda(Lambda {
                pinned: detail & 1 != 0,
                inline: detail & 2 != 0,
                recursive: detail & 4 != 0,
                tag: Natural::from(detail) << 70u32,
                arity: many,
                body: part(many + 1),
            }),
        }
    }

    fn encoded(vm: &mut Vm, expr: &SireExpr) -> Val {
        vm.build(|b| encode(b, expr)).expect("enough memory")
    }

    fn vm() -> Vm {
        RuntimeBuilder::bare().build().expect("a runtime").into()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn decoded_expressions_encode_to_the_same_value(bytes: Vec<u8>) {
            let mut vm = vm();
            let expr = expr(&mut vm, &mut bytes.into_iter(), 0, 6);
            let first = encoded(&mut vm, &expr);
            let decoded = decode(&vm, &BindingCache::default(), vm.look(&first)).expect("code");
            prop_assert_eq!(decoded.free_limit, 0);
            let second = encoded(&mut vm, &decoded);
            let first = vm.force(&first).expect("it is evaluated");
            let second = vm.force(&second).expect("it is evaluated");
            prop_assert!(vm.look(&first).is_equal(vm.look(&second)));
        }
    }

    #[test]
    fn other_values_are_malformed() {
        let mut vm = vm();
        let text = vm.text("A").expect("enough memory");
        let zero = vm.nat(0);
        let free = vm.nat(1);
        let huge = vm.nat(1 << 40);
        let lambda = vm.text("F").expect("enough memory");
        let letrec = vm.text("R").expect("enough memory");
        let rows: [&[Val]; 6] = [
            &[],
            std::slice::from_ref(&text),
            &[text.clone(), zero.clone(), zero.clone(), zero.clone()],
            &[huge.clone(), zero.clone(), zero.clone()],
            &[letrec, zero.clone(), zero.clone()],
            &[lambda, zero.clone(), zero.clone(), zero.clone(), zero.clone(), huge, zero.clone()],
        ];
        let mut values: Vec<Val> =
            rows.iter().map(|row| vm.row(row).expect("enough memory")).collect();
        values.push(free);
        values.push(vm.app(&zero, &[text]).expect("enough memory"));
        for value in values {
            assert!(decode(&vm, &BindingCache::default(), vm.look(&value)).is_err(), "{value:?}");
        }
    }
}
