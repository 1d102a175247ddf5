//! Sire expressions as nouns, and back.
//!
//! ```text
//! variable   its index            letrec   ["R" [values..] body]
//! value      ["K" value]          inline   ["M" function]
//! global     ["G" binding]        lambda   ["F" pinned inline recursive tag arity body]
//! call       ["A" function arg]
//! let        ["L" value body]
//! ```

use crate::ast::{self, BINDERS_MAX, Expr, Kind, Lam};
use crate::bind::{Binds, Malformed};
use vm::{Builder, Items, Natural, Ref, Stop, Vm};

/// Pushes the noun of an expression.
pub(crate) fn push(b: &mut Builder<'_>, expr: &Expr) -> Result<(), Stop> {
    enum Step<'e> {
        Visit(&'e Expr),
        Row(usize),
    }
    let mut steps = vec![Step::Visit(expr)];
    while let Some(step) = steps.pop() {
        let expr = match step {
            Step::Visit(expr) => expr,
            Step::Row(count) => {
                b.row(count)?;
                continue;
            }
        };
        b.room_for(8)?;
        match &expr.kind {
            Kind::Var(index) => b.push_nat(u64::from(*index))?,
            Kind::Const(value) => {
                push_tag(b, b'K')?;
                b.push(value);
                b.row(2)?;
            }
            Kind::Global(bind) => {
                push_tag(b, b'G')?;
                b.push(&bind.noun);
                b.row(2)?;
            }
            Kind::App(function, arg) => {
                push_tag(b, b'A')?;
                steps.extend([Step::Row(3), Step::Visit(arg), Step::Visit(function)]);
            }
            Kind::Let(value, body) => {
                push_tag(b, b'L')?;
                steps.extend([Step::Row(3), Step::Visit(body), Step::Visit(value)]);
            }
            Kind::LetRec(values, body) => {
                push_tag(b, b'R')?;
                steps.extend([Step::Row(3), Step::Visit(body), Step::Row(values.len())]);
                steps.extend(values.iter().rev().map(Step::Visit));
            }
            Kind::Inline(inner) => {
                push_tag(b, b'M')?;
                steps.extend([Step::Row(2), Step::Visit(inner)]);
            }
            Kind::Lam(lam) => {
                push_tag(b, b'F')?;
                for flag in [lam.pinned, lam.inline, lam.recursive] {
                    b.push_nat(u64::from(flag))?;
                }
                b.push_natural(&lam.tag)?;
                b.push_nat(u64::from(lam.arity))?;
                steps.extend([Step::Row(7), Step::Visit(&lam.body)]);
            }
        }
    }
    Ok(())
}

fn push_tag(b: &mut Builder<'_>, tag: u8) -> Result<(), Stop> {
    b.push_nat(u64::from(tag))
}

/// What is done with decoded children.
enum Build<'h> {
    App,
    Let,
    LetRec(usize),
    Inline,
    Lam { flags: [bool; 3], tag: Ref<'h>, arity: u32 },
}

enum Step<'h> {
    /// Decode a noun that stands under so many binders.
    Visit(Ref<'h>, u32),
    Build(Build<'h>),
}

/// The closed expression that this noun stands for.
pub(crate) fn decode(vm: &Vm, binds: &Binds, noun: Ref<'_>) -> Result<Expr, Malformed> {
    let mut steps = vec![Step::Visit(noun, 0)];
    let mut done = Vec::new();
    while let Some(step) = steps.pop() {
        match step {
            Step::Visit(noun, depth) => match noun.as_nat() {
                Some(index) => match index.to_u64() {
                    Some(index) if index < u64::from(depth) => done.push(ast::var(index as u32)),
                    _ => return Err(Malformed("code: a variable without a binder")),
                },
                None => decode_row(vm, binds, noun, depth, &mut steps, &mut done)?,
            },
            Step::Build(build) => build.run(&mut done),
        }
    }
    Ok(done.pop().expect("a step for the root leaves it"))
}

const BAD_CODE: Malformed = Malformed("code: an expression is not of a known form");

fn decode_row<'h>(
    vm: &Vm,
    binds: &Binds,
    noun: Ref<'h>,
    depth: u32,
    steps: &mut Vec<Step<'h>>,
    done: &mut Vec<Expr>,
) -> Result<(), Malformed> {
    let row: Items<'h> = noun.as_row().ok_or(BAD_CODE)?;
    let items: Vec<Ref<'h>> = row.iter().take(8).collect();
    let tag = items.first().and_then(|tag| tag.as_u64()).ok_or(BAD_CODE)?;
    match (u8::try_from(tag), &items[1..]) {
        (Ok(b'K'), [value]) => done.push(ast::constant(vm.hold(*value))),
        (Ok(b'G'), [bind]) => done.push(ast::global(binds.find(vm, *bind)?)),
        (Ok(b'A'), [function, arg]) => steps.extend([
            Step::Build(Build::App),
            Step::Visit(*arg, depth),
            Step::Visit(*function, depth),
        ]),
        (Ok(b'L'), [value, body]) => steps.extend([
            Step::Build(Build::Let),
            Step::Visit(*body, deepen(depth, 1)?),
            Step::Visit(*value, depth),
        ]),
        (Ok(b'R'), [values, body]) => {
            let values = values.as_row().ok_or(BAD_CODE)?;
            let depth = deepen(depth, values.len() as u64)?;
            let build = Build::LetRec(values.len());
            steps.extend([Step::Build(build), Step::Visit(*body, depth)]);
            steps.extend(values.iter().rev().map(|value| Step::Visit(value, depth)));
        }
        (Ok(b'M'), [inner]) => {
            steps.extend([Step::Build(Build::Inline), Step::Visit(*inner, depth)]);
        }
        (Ok(b'F'), [pinned, inline, recursive, tag, arity, body]) => {
            let flags = [flag(*pinned)?, flag(*inline)?, flag(*recursive)?];
            tag.as_nat().ok_or(BAD_LAMBDA)?;
            let arity = arity.as_u64().ok_or(BAD_LAMBDA)?;
            let depth = deepen(depth, arity.saturating_add(1))?;
            let build = Build::Lam { flags, tag: *tag, arity: arity as u32 };
            steps.extend([Step::Build(build), Step::Visit(*body, depth)]);
        }
        _ => return Err(BAD_CODE),
    }
    Ok(())
}

const BAD_LAMBDA: Malformed = Malformed("code: a lambda's flags, tag or arity");

fn flag(noun: Ref<'_>) -> Result<bool, Malformed> {
    match noun.as_u64() {
        Some(0) => Ok(false),
        Some(1) => Ok(true),
        _ => Err(BAD_LAMBDA),
    }
}

fn deepen(depth: u32, binders: u64) -> Result<u32, Malformed> {
    match u64::from(depth).checked_add(binders) {
        Some(sum) if sum <= u64::from(BINDERS_MAX) => Ok(sum as u32),
        _ => Err(Malformed("code: too many binders")),
    }
}

impl Build<'_> {
    fn run(self, done: &mut Vec<Expr>) {
        let mut pop = || done.pop().expect("a step for each child leaves it");
        let built = match self {
            Build::App => {
                let arg = pop();
                ast::app(pop(), arg)
            }
            Build::Let => {
                let body = pop();
                ast::let_in(pop(), body)
            }
            Build::LetRec(count) => {
                let body = pop();
                let values = done.split_off(done.len() - count);
                ast::let_rec(values, body)
            }
            Build::Inline => ast::inline(pop()),
            Build::Lam { flags: [pinned, inline, recursive], tag, arity } => {
                let tag = tag.as_nat().map_or(Natural::from(0u8), |nat| nat.to_natural());
                ast::lambda(Lam { pinned, inline, recursive, tag, arity, body: pop() })
            }
        };
        done.push(built);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use vm::{Options, Val};

    /// The expression that some bytes write, under so many binders.
    fn expr(vm: &mut Vm, bytes: &mut impl Iterator<Item = u8>, depth: u32, fuel: u32) -> Expr {
        let (form, detail) = (bytes.next().unwrap_or(0), bytes.next().unwrap_or(0));
        let many = u32::from(detail % 3);
        let mut part = |more| expr(vm, bytes, depth + more, fuel.saturating_sub(1));
        match if fuel == 0 { form % 2 } else { form % 7 } {
            0 if depth > 0 => ast::var(u32::from(detail) % depth),
            0 | 1 => ast::constant(vm.nat(u64::from(detail))),
            2 => ast::app(part(0), part(0)),
            3 => ast::let_in(part(0), part(1)),
            4 => ast::let_rec((0..many).map(|_| part(many)).collect(), part(many)),
            5 => ast::inline(part(0)),
            _ => ast::lambda(Lam {
                pinned: detail & 1 != 0,
                inline: detail & 2 != 0,
                recursive: detail & 4 != 0,
                tag: Natural::from(detail) << 70u32,
                arity: many,
                body: part(many + 1),
            }),
        }
    }

    fn noun(vm: &mut Vm, expr: &Expr) -> Val {
        vm.build(|b| push(b, expr)).expect("room for it")
    }

    fn vm() -> Vm {
        Vm::new(Options::default(), Default::default()).expect("a runtime")
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn nouns_and_expressions_are_one(bytes: Vec<u8>) {
            let mut vm = vm();
            let expr = expr(&mut vm, &mut bytes.into_iter(), 0, 6);
            let there = noun(&mut vm, &expr);
            let decoded = decode(&vm, &Binds::default(), vm.look(&there)).expect("it is code");
            prop_assert_eq!(decoded.free, 0);
            let back = noun(&mut vm, &decoded);
            let there = vm.force(&there).expect("it is evaluated");
            let back = vm.force(&back).expect("it is evaluated");
            prop_assert!(vm.look(&there).is_equal(vm.look(&back)));
        }
    }

    #[test]
    fn what_is_no_expression_is_refused() {
        let mut vm = vm();
        let text = vm.text("A").expect("room");
        let zero = vm.nat(0);
        let free = vm.nat(1);
        let huge = vm.nat(1 << 40);
        let lambda = vm.text("F").expect("room");
        let letrec = vm.text("R").expect("room");
        let rows: [&[Val]; 6] = [
            &[],
            std::slice::from_ref(&text),
            &[text.clone(), zero.clone(), zero.clone(), zero.clone()],
            &[huge.clone(), zero.clone(), zero.clone()],
            &[letrec, zero.clone(), zero.clone()],
            &[lambda, zero.clone(), zero.clone(), zero.clone(), zero.clone(), huge, zero.clone()],
        ];
        let mut values: Vec<Val> =
            rows.iter().map(|row| vm.row(row).expect("room for a row")).collect();
        values.push(free);
        values.push(vm.app(&zero, &[text]).expect("room"));
        for value in values {
            assert!(decode(&vm, &Binds::default(), vm.look(&value)).is_err(), "{value:?}");
        }
    }
}
