//! The first difference of two values, for a failed assertion.

use plan::{Ref, Shape};
use show::PrintLimit;

/// The longest path that is described, in steps.
const PATH_MAX: usize = 12;
/// The limit of the text of each of the two parts, in bytes.
const TEXT_MAX: u64 = 200;

/// A step from a value to a part of it.
enum PathStep {
    Item(usize),
    Key(String),
    Content,
    Head,
    Argument(usize),
}

impl std::fmt::Display for PathStep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            PathStep::Item(index) => write!(f, "item {index}"),
            PathStep::Key(key) => write!(f, "the value of key {key}"),
            PathStep::Content => f.write_str("the pin's content"),
            PathStep::Head => f.write_str("the function"),
            PathStep::Argument(index) => write!(f, "argument {index}"),
        }
    }
}

/// Describes the first difference of two values in normal form that are not equal: where it is, and
/// both parts. Items and arguments are counted from 0.
pub(crate) fn first_difference(left: Ref<'_>, right: Ref<'_>) -> String {
    let (mut left, mut right) = (left, right);
    let mut path = Vec::new();
    while path.len() < PATH_MAX
        && let Some((step, parts)) = descend(left, right)
    {
        path.push(step);
        (left, right) = parts;
    }
    let place = match path.is_empty() {
        true => String::new(),
        false => {
            let steps: Vec<String> = path.iter().map(ToString::to_string).collect();
            format!(" at {}", steps.join(", "))
        }
    };
    let what = match (left.shape(), right.shape()) {
        (Shape::Row(a), Shape::Row(b)) if a.len() != b.len() => {
            format!("a row of {} items and a row of {}", a.len(), b.len())
        }
        (Shape::Bar(a), Shape::Bar(b)) => {
            let (a, b) = (a.to_vec(), b.to_vec());
            let same = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
            format!("bars of {} and {} bytes, which differ at byte {same}", a.len(), b.len())
        }
        _ => format!("{} and {}", short_text(left), short_text(right)),
    };
    format!("the first difference is{place}: {what}")
}

/// Returns the first part in which two values differ, if they have the same form.
fn descend<'a, 'b>(left: Ref<'a>, right: Ref<'b>) -> Option<(PathStep, (Ref<'a>, Ref<'b>))> {
    let differs = |pair: &(usize, (Ref<'a>, Ref<'b>))| !pair.1.0.is_equal(pair.1.1);
    match (left.shape(), right.shape()) {
        (Shape::Row(a), Shape::Row(b)) if a.len() == b.len() => {
            let (index, parts) = a.iter().zip(b.iter()).enumerate().find(differs)?;
            Some((PathStep::Item(index), parts))
        }
        (Shape::Tab(keys, a), Shape::Tab(other_keys, b)) if keys.len() == other_keys.len() => {
            if keys.iter().zip(other_keys.iter()).any(|(key, other)| !key.is_equal(other)) {
                return None;
            }
            let (index, parts) = a.iter().zip(b.iter()).enumerate().find(differs)?;
            Some((PathStep::Key(keys.get(index).map_or_else(String::new, short_text)), parts))
        }
        (Shape::Pin(a), Shape::Pin(b)) => Some((PathStep::Content, (a.item(), b.item()))),
        (Shape::App(a), Shape::App(b)) if a.len() == b.len() => {
            if !a.head().is_equal(b.head()) {
                return Some((PathStep::Head, (a.head(), b.head())));
            }
            let (index, parts) = a.args().zip(b.args()).enumerate().find(differs)?;
            Some((PathStep::Argument(index), parts))
        }
        _ => None,
    }
}

/// The text of a value on one line.
fn short_text(value: Ref<'_>) -> String {
    let text = show::value_text(value, PrintLimit { bytes: TEXT_MAX, ..PrintLimit::DEFAULT });
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
