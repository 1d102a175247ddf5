//! The parts of a value: a tree that is walked by indices.
//!
//! A value can be huge, and share its parts. So nothing here visits more than one level: a page shows
//! some parts of one value, each by its kind and a short text.

use plan::{Hash, Items, PinCounting, Ref, Shape};
use show::PrintLimit;

/// The number of objects beyond which the size of a value is not counted.
const MAX_COUNTED: usize = 100_000;

/// The number of arguments of an application that are shown as its parts.
const MAX_ARGUMENTS: usize = 100_000;

/// The parts of a value.
pub(crate) enum Parts<'h> {
    /// Parts with names.
    Named(Vec<(&'static str, Ref<'h>)>),
    /// The items of a row, or the keys of a set.
    Items(Items<'h>),
    /// The keys and values of a table.
    Entries(Items<'h>, Items<'h>),
    /// A function and its arguments.
    Call(Vec<Ref<'h>>),
}

impl<'h> Parts<'h> {
    /// The parts of a value.
    pub(crate) fn of(value: Ref<'h>) -> Parts<'h> {
        match value.shape() {
            Shape::Row(items) | Shape::Set(items) => Parts::Items(items),
            Shape::Tab(keys, values) => Parts::Entries(keys, values),
            Shape::Pin(pin) => Parts::Named(vec![("item", pin.item())]),
            Shape::Law(law) => Parts::Named(vec![("body", law.body())]),
            Shape::App(app) => {
                let parts = std::iter::once(app.head()).chain(app.args());
                Parts::Call(parts.take(MAX_ARGUMENTS).collect())
            }
            Shape::Nat(_) | Shape::Bar(_) | Shape::Cow(_) | Shape::Thunk => {
                Parts::Named(Vec::new())
            }
        }
    }

    /// The number of parts.
    pub(crate) fn len(&self) -> usize {
        match self {
            Parts::Named(parts) => parts.len(),
            Parts::Items(items) => items.len(),
            Parts::Entries(keys, _) => keys.len(),
            Parts::Call(parts) => parts.len(),
        }
    }

    /// A part, and its name.
    pub(crate) fn get(&self, index: usize) -> Option<(String, Ref<'h>)> {
        match self {
            Parts::Named(parts) => {
                parts.get(index).map(|(name, value)| ((*name).to_owned(), *value))
            }
            Parts::Items(items) => Some((index.to_string(), items.get(index)?)),
            Parts::Entries(keys, values) => {
                Some((short_text(keys.get(index)?, 80), values.get(index)?))
            }
            Parts::Call(parts) => {
                let name = if index == 0 { "function".into() } else { index.to_string() };
                Some((name, *parts.get(index)?))
            }
        }
    }
}

/// What the part of a state is, at the end of a path.
pub(crate) struct Located<'h> {
    /// The names of the parts on the way, from the outside in.
    pub(crate) names: Vec<String>,
    /// The part; None for the state as a whole, whose parts have names only.
    pub(crate) value: Option<Ref<'h>>,
    /// The parts of this part.
    pub(crate) parts: Parts<'h>,
}

/// Goes from the parts of a state along a path. Returns None if the path leads nowhere.
pub(crate) fn locate<'h>(root: Parts<'h>, path: &[usize]) -> Option<Located<'h>> {
    let mut found = Located { names: Vec::new(), value: None, parts: root };
    for index in path {
        let (name, value) = found.parts.get(*index)?;
        found.names.push(name);
        found.value = Some(value);
        found.parts = Parts::of(value);
    }
    Some(found)
}

/// What a value is, in a few words.
pub(crate) fn kind(value: Ref<'_>) -> String {
    match value.shape() {
        Shape::Nat(_) => "nat".into(),
        Shape::Bar(bytes) => format!("bar of {} bytes", bytes.len()),
        Shape::Row(items) => format!("row of {}", items.len()),
        Shape::Set(keys) => format!("set of {}", keys.len()),
        Shape::Tab(keys, _) => format!("table of {}", keys.len()),
        Shape::Cow(width) => format!("constructor of rows of {width}"),
        Shape::Pin(_) => "pin".into(),
        Shape::Law(law) => match law.arity().to_u64() {
            Some(1) => "law of 1 argument".into(),
            Some(arity) => format!("law of {arity} arguments"),
            None => "law".into(),
        },
        Shape::App(app) => format!("app of {}", app.len()),
        Shape::Thunk => "unevaluated".into(),
    }
}

/// The hash of a pin; None if the value is no pin, or the pin is damaged.
pub(crate) fn pin_hash(value: Ref<'_>) -> Option<Hash> {
    match value.shape() {
        Shape::Pin(pin) => pin.hash().ok(),
        _ => None,
    }
}

/// The number of parts of a value when it is written out, without what its pins refer to: a measure of
/// its size. None if it has too many objects to be counted.
pub(crate) fn size(value: Ref<'_>) -> Option<u64> {
    let value = match value.shape() {
        Shape::Pin(pin) => pin.item(),
        _ => value,
    };
    value.written_size_if_small(PinCounting::Opaque, MAX_COUNTED)
}

/// A text of the value of about this many bytes at most, on one line.
pub(crate) fn short_text(value: Ref<'_>, bytes: u64) -> String {
    let limit = PrintLimit { bytes, message_bytes: bytes, ..PrintLimit::DEFAULT };
    let text = show::value_text(value, limit);
    // The last line says what is missing of a long text, and how it could be shown elsewhere.
    let (shown, is_whole) = match text.rsplit_once("... truncated: ") {
        Some((shown, _)) => (shown, false),
        None => (text.as_str(), true),
    };
    let (mut line, fits) = one_line(shown, bytes as usize);
    if !fits || !is_whole {
        line.push('…');
    }
    line
}

/// The first characters of a text with its blank space as single spaces, and whether these are all.
pub(crate) fn one_line(text: &str, characters: usize) -> (String, bool) {
    let mut line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let end = line.char_indices().nth(characters).map(|(end, _)| end);
    line.truncate(end.unwrap_or(line.len()));
    (line, end.is_none())
}

/// The distinct pins that a value refers to, in the order in which they are found, at most `limit`. The
/// walk does not enter pins.
pub(crate) fn referenced_pins(value: Ref<'_>, limit: usize) -> Vec<Hash> {
    let mut found: Vec<Hash> = Vec::new();
    let mut waiting = vec![value];
    let mut steps = 0;
    while let Some(value) = waiting.pop()
        && found.len() < limit
        && steps < MAX_COUNTED
    {
        steps += 1;
        if let Some(hash) = pin_hash(value) {
            if !found.contains(&hash) {
                found.push(hash);
            }
            continue;
        }
        let parts = Parts::of(value);
        if let Parts::Entries(keys, _) = &parts {
            waiting.extend(keys.iter().take(MAX_COUNTED));
        }
        let values = (0..parts.len().min(MAX_COUNTED)).rev().filter_map(|index| parts.get(index));
        waiting.extend(values.map(|(_, value)| value));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use plan::{Heap, HeapOptions};

    fn heap() -> Box<Heap> {
        Heap::new(HeapOptions::default()).expect("a stack")
    }

    #[test]
    fn a_path_leads_through_rows_and_pins_to_a_part() {
        let mut heap = heap();
        let (one, text) = (heap.nat(1), heap.bar(b"text").expect("room"));
        let inner = heap.row(&[one.clone(), text]).expect("room");
        let outer = heap.row(&[one, inner]).expect("room");
        let root = || Parts::Named(vec![("state", heap.look(&outer))]);
        let found = locate(root(), &[0, 1, 1]).expect("it is there");
        assert_eq!(found.names, ["state", "1", "1"]);
        assert_eq!(found.value.and_then(Ref::as_bar), Some(&b"text"[..]));
        assert_eq!(found.parts.len(), 0);
        for path in [&[1][..], &[0, 2], &[0, 1, 1, 0], &[usize::MAX]] {
            assert!(locate(root(), path).is_none(), "{path:?}");
        }
        assert_eq!(kind(heap.look(&outer)), "row of 2");
    }

    #[test]
    fn a_long_text_is_one_line_that_ends_in_dots() {
        let mut heap = heap();
        let bar = heap.bar(&[b'a'; 500]).expect("room");
        let row = heap.row(&vec![bar; 40]).expect("room");
        let text = short_text(heap.look(&row), 50);
        assert!(
            text.ends_with('…') && text.chars().count() <= 51 && !text.contains('\n'),
            "{text}"
        );
        assert!(!text.contains("truncated"), "{text}");
        let nat = heap.nat(42);
        assert_eq!(short_text(heap.look(&nat), 50), "42");
    }
}
