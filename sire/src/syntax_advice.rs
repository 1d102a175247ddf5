//! Advice for errors that come from the syntax of another language: what Sire has in its place.

use rex::Rex;

/// Runes that Sire does not have, and what it has in their place.
const RUNES: [(&str, &str); 15] = [
    ("+", "a sum is a call: `(add x y)`"),
    ("-", "a difference is a call: `(sub x y)`"),
    ("*", "a product is a call: `(mul x y)`"),
    ("/", "a quotient is a call: `(div x y)`"),
    ("%", "a remainder is a call: `(mod x y)`"),
    ("<", "comparisons are calls: `(lth x y)`, `(lte x y)`"),
    ("<=", "comparisons are calls: `(lth x y)`, `(lte x y)`"),
    (">", "comparisons are calls: `(gth x y)`, `(gte x y)`"),
    (">=", "comparisons are calls: `(gth x y)`, `(gte x y)`"),
    ("!=", "`(x /= y)` is 1 if two values differ"),
    ("===", "`(x == y)` is 1 if two values are equal"),
    ("!", "`(not x)` is 1 if x is 0"),
    ("->", "a function without a name is `(x & body)`"),
    ("=>", "a function without a name is `(x & body)`"),
    ("\\", "a function without a name is `(x & body)`"),
];

/// Words that begin commands of other languages, and what Sire has in their place.
const WORDS: [(&str, &str); 6] = [
    ("import", "`:| module` imports a module"),
    ("require", "`:| module` imports a module"),
    ("let", "`= name value` defines a name, `@ name value` binds one in the lines below"),
    ("def", "`= (name x) | body` defines a function"),
    ("fn", "`= (name x) | body` defines a function, and `(x & body)` is one without a name"),
    ("return", "the value of a function is its last form: `| value`"),
];

fn find(table: &[(&str, &'static str)], wanted: &str) -> Option<&'static str> {
    table.iter().find(|(form, _)| *form == wanted).map(|(_, advice)| *advice)
}

/// Returns the advice for a command that was rejected for a reason.
pub(crate) fn advice_for_rejected(reason: &str, block: &Rex) -> Option<&'static str> {
    let rune = reason.strip_prefix("Undefined rune: ").or(reason.strip_prefix("Unbound rune: "));
    if let Some(rune) = rune {
        return find(&RUNES, rune);
    }
    let is_definition =
        matches!(block, Rex::Node { rune, sons, .. } if rune == "=" && sons.len() > 2);
    is_definition.then_some(
        "a body of several parts follows `|` or is in parentheses: `= name | f x`, `= (f x) (g x)`",
    )
}

/// Returns the advice for a name that is not bound.
pub(crate) fn advice_for_name(name: &str) -> Option<&'static str> {
    find(&WORDS, name)
}
