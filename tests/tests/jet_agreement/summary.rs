//! Short texts of values, for the report of a failure.

use plan::{Ref, Shape};

/// A short text of a value, down to this depth. `?` is an unevaluated value.
pub(crate) fn summary(value: Ref<'_>, depth: u32) -> String {
    if depth == 0 {
        return "...".to_owned();
    }
    let all = |values: &mut dyn Iterator<Item = Ref<'_>>| {
        values.map(|value| summary(value, depth - 1)).collect::<Vec<_>>().join(" ")
    };
    match value.shape() {
        Shape::Nat(nat) => match nat.to_u64() {
            Some(nat) => nat.to_string(),
            None => format!("(a nat of {} bits)", nat.bits()),
        },
        Shape::Pin(pin) => match pin.item().shape() {
            Shape::Law(law) => format!("<{}>", law.name().text().unwrap_or_default()),
            _ => format!("<{}>", summary(pin.item(), depth - 1)),
        },
        Shape::Law(law) => {
            let (name, arity) = (law.name().saturating_u64(), law.arity().saturating_u64());
            format!("{{{name} {arity} {}}}", summary(law.body(), depth - 1))
        }
        Shape::App(app) => {
            format!("({} {})", summary(app.head(), depth - 1), all(&mut app.args()))
        }
        Shape::Bar(bytes) => format!("b{bytes:?}"),
        Shape::Row(items) => format!("[{}]", all(&mut items.iter())),
        Shape::Set(keys) => format!("%[{}]", all(&mut keys.iter())),
        Shape::Tab(keys, values) => {
            format!("#[{} = {}]", all(&mut keys.iter()), all(&mut values.iter()))
        }
        Shape::Cow(width) => format!("c{width}"),
        Shape::Thunk => "?".to_owned(),
    }
}
