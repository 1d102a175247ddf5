//! The primitive runes, for people.

/// The primitive runes, and what each means.
pub(crate) const PRIMITIVE_RUNES: [(&str, &str); 16] = [
    ("####", "`#### NAME` or `#### NAME <- PREDECESSOR`: begins a module"),
    (":|", "`:| module`, `:| module [names]`, `:| module as Alias`: imports a module"),
    ("=", "`= name value`, `= (f x) body`: defines a name"),
    ("*", "runs several commands"),
    ("=?=", "`=?= left right`: asserts that two values are equal"),
    ("^-^", "`^-^ names`: the names that the module exports"),
    ("|", "`| f x`: applies a function"),
    ("-", "`- f x`: applies a function, like `|`"),
    ("**", "marks a function: the compiler replaces its calls by its body"),
    ("@", "`@ name value body`: a local name"),
    ("@@", "`@@ = name value  body`: local names that may refer to each other"),
    ("^", "`^ f _ x  value`: the value is `_` in the other parts"),
    ("&", "`& (x y) body`: a function without a name"),
    ("?", "`? (f x) body`: a function that is a law"),
    ("??", "`?? (f x) body`: a function that is a pinned law"),
    (".", "`module.name`: a name of a module or of its alias"),
];

/// Returns what a primitive rune means. Each rune but `####` has a second spelling with a `#` in front.
pub(crate) fn meaning(rune: &str) -> Option<&'static str> {
    let find = |rune: &str| PRIMITIVE_RUNES.iter().find(|(name, _)| *name == rune);
    let found = find(rune).or_else(|| rune.strip_prefix('#').and_then(find));
    found.map(|(_, meaning)| *meaning)
}
