//! The laws of our library that programs use, and their placeholders in a program.

use crate::bounds::has_at_most;
use crate::library::visit_definitions;
use plan::{Natural, plain, seed};
use spec::generate::{KnownFunction, TermType};
use spec::{Term, nat_from_bytes};
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};
use vm::jet::JetTable;

/// Definitions of the library with the kinds of their arguments and result: `n`at, function of `1`
/// or `2` nats, `r`ow, `l`ist, `b`ar, `s`et, `t`able, or `a`ny value.
const SIGNATURES: &[(&str, &str)] = &[
    ("if", "naa>a"),
    ("ifz", "naa>a"),
    ("if", "nnn>n"),
    ("ifz", "nnn>n"),
    ("not", "n>n"),
    ("bit", "n>n"),
    ("and", "nn>n"),
    ("or", "nn>n"),
    ("xor", "nn>n"),
    ("nand", "nn>n"),
    ("nor", "nn>n"),
    ("xnor", "nn>n"),
    ("seq", "aa>a"),
    ("seq", "nn>n"),
    ("deepseq", "an>n"),
    ("force", "a>a"),
    ("isPin", "a>n"),
    ("isLaw", "a>n"),
    ("isApp", "a>n"),
    ("isNat", "a>n"),
    ("planTag", "a>n"),
    ("pinItem", "a>a"),
    ("lawName", "a>n"),
    ("lawArgs", "a>n"),
    ("lawBody", "a>a"),
    ("car", "a>a"),
    ("cdr", "a>a"),
    ("isZero", "a>n"),
    ("toNat", "a>n"),
    ("dec", "n>n"),
    ("times", "1nn>n"),
    ("add", "nn>n"),
    ("mul", "nn>n"),
    ("sub", "nn>n"),
    ("div", "nn>n"),
    ("mod", "nn>n"),
    ("divMod", "nn>a"),
    ("lsh", "nn>n"),
    ("rsh", "nn>n"),
    ("bix", "nn>n"),
    ("dis", "nn>n"),
    ("con", "nn>n"),
    ("mix", "nn>n"),
    ("met", "n>n"),
    ("popCount", "n>n"),
    ("trunc", "nn>n"),
    ("bitSlice", "nnn>n"),
    ("testBit", "nn>n"),
    ("setBit", "nn>n"),
    ("clearBit", "nn>n"),
    ("cmp", "aa>n"),
    ("eql", "aa>n"),
    ("neq", "aa>n"),
    ("lth", "nn>n"),
    ("lte", "nn>n"),
    ("gth", "nn>n"),
    ("gte", "nn>n"),
    ("min", "nn>n"),
    ("max", "nn>n"),
    ("null", "a>n"),
    ("arity", "a>n"),
    ("len", "r>n"),
    ("idx", "nr>a"),
    ("idx", "nr>n"),
    ("get", "rn>a"),
    ("put", "rna>r"),
    ("mut", "nar>r"),
    ("last", "r>a"),
    ("switch", "nar>a"),
    ("switch", "nnr>n"),
    ("isRow", "a>n"),
    ("gen", "n1>r"),
    ("rep", "an>r"),
    ("foldr", "2nr>n"),
    ("foldl", "2nr>n"),
    ("all", "1r>n"),
    ("any", "1r>n"),
    ("has", "ar>n"),
    ("sum", "r>n"),
    ("sumOf", "1r>n"),
    ("map", "1r>r"),
    ("rev", "r>r"),
    ("weld", "rr>r"),
    ("rowCons", "ar>r"),
    ("rowSnoc", "ra>r"),
    ("zip", "rr>r"),
    ("zipWith", "2rr>r"),
    ("take", "nr>r"),
    ("drop", "nr>r"),
    ("insert", "nar>r"),
    ("filter", "1r>r"),
    ("listFromRow", "r>l"),
    ("listToRow", "l>r"),
    ("sizedListToRow", "nl>r"),
    ("listFoldr", "2nl>n"),
    ("listFoldl", "2nl>n"),
    ("listLen", "l>n"),
    ("listSum", "l>n"),
    ("listIdx", "nl>a"),
    ("listHead", "l>a"),
    ("listGen", "n1>l"),
    ("listMap", "1l>l"),
    ("listFilter", "1l>l"),
    ("listWeld", "ll>l"),
    ("listRev", "l>l"),
    ("listZipWith", "2ll>l"),
    ("listTake", "nl>l"),
    ("listDrop", "nl>l"),
    ("listTakeWhile", "1l>l"),
    ("listIterate", "1n>l"),
    ("listEnumFrom", "n>l"),
    ("listSort", "l>l"),
    ("setIns", "as>s"),
    ("setDel", "as>s"),
    ("setHas", "as>n"),
    ("setLen", "s>n"),
    ("setWeld", "ss>s"),
    ("setToRow", "s>r"),
    ("setMin", "s>a"),
    ("tabIns", "aat>t"),
    ("tabDel", "at>t"),
    ("tabPop", "t>r"),
    ("tabIdx", "at>a"),
    ("tabHas", "at>n"),
    ("tabLen", "t>n"),
    ("tabKeysRow", "t>r"),
    ("tabValsRow", "t>r"),
    ("tabMap", "2t>t"),
    ("tabSwitch", "aat>a"),
    ("barIdx", "nb>n"),
    ("barLen", "b>n"),
    ("barWeld", "bb>b"),
    ("barTake", "nb>b"),
    ("barDrop", "nb>b"),
    ("barSplit", "nb>l"),
    ("barLinesList", "b>l"),
    ("barNat", "b>n"),
    ("natBar", "n>b"),
    ("isBar", "a>n"),
    ("add32", "nn>n"),
    ("mul32", "nn>n"),
    ("sub32", "nn>n"),
    ("xor32", "nn>n"),
    ("rol32", "nn>n"),
    ("lsh32", "nn>n"),
    ("rsh32", "nn>n"),
    ("add64", "nn>n"),
    ("mul64", "nn>n"),
    ("sub64", "nn>n"),
    ("xor64", "nn>n"),
    ("ror64", "nn>n"),
    ("w32", "n>n"),
    ("w64", "n>n"),
    ("inc64", "n>n"),
    ("dec64", "n>n"),
    ("div64", "nn>n"),
    ("and64", "nn>n"),
    ("or64", "nn>n"),
    ("lsh64", "nn>n"),
    ("rsh64", "nn>n"),
    ("rol64", "nn>n"),
    ("bitFlip64", "n>n"),
    ("eql64", "nn>n"),
    ("lth64", "nn>n"),
    ("gte64", "nn>n"),
    ("iIsNeg64", "n>n"),
    ("iNeg64", "n>n"),
    ("iAbs64", "n>n"),
    ("iSub64", "nn>n"),
    ("iDiv64", "nn>n"),
    ("iLth64", "nn>n"),
    ("iGte64", "nn>n"),
    ("iDiv32", "nn>n"),
    ("iLth32", "nn>n"),
    ("ror32", "nn>n"),
    ("id", "a>a"),
    ("const", "na>n"),
    ("compose", "11n>n"),
    ("flip", "2nn>n"),
];

/// The specification does not get larger laws.
const MAX_PARTS: usize = 3000;

/// A law of the library.
pub(super) struct LibraryLaw {
    name: &'static str,
    pub(super) seed: Vec<u8>,
    /// The law as a term of the specification, if it is small.
    term: Option<Term>,
}

/// The laws by number, in the order of the signatures.
pub(super) static LIBRARY: LazyLock<Vec<LibraryLaw>> = LazyLock::new(|| {
    let mut defined: HashMap<String, (Vec<u8>, Option<Term>)> = HashMap::new();
    let wanted = |name: &str| SIGNATURES.iter().any(|(wanted, _)| *wanted == name);
    visit_definitions(|name, vm, value| {
        if wanted(name) {
            let bytes = seed::save(vm, value).expect("laws can be saved");
            let value = vm.look(value);
            let term = has_at_most(value, MAX_PARTS).then(|| plain::to_term(value));
            defined.insert(name.to_owned(), (bytes, term));
        }
    });
    let law = |name: &'static str| {
        let found = defined.get(name).unwrap_or_else(|| panic!("the library has no {name}"));
        let (seed, term) = found.clone();
        LibraryLaw { name, seed, term }
    };
    SIGNATURES.iter().map(|(name, _)| law(name)).collect()
});

/// The laws as the generator of programs needs them.
pub(super) static KNOWN: LazyLock<Arc<[KnownFunction]>> = LazyLock::new(|| {
    let kind = |letter| match letter {
        'n' => TermType::Nat,
        '1' => TermType::Function(1),
        '2' => TermType::Function(2),
        'r' => TermType::Row,
        'l' => TermType::List,
        'b' => TermType::Bar,
        's' => TermType::Set,
        't' => TermType::Tab,
        _ => TermType::Any,
    };
    let known = |(number, (_, signature)): (usize, &(&str, &str))| {
        let (takes, gives) = signature.split_once('>').expect("a signature has an arrow");
        KnownFunction {
            function: placeholder(number),
            parameters: takes.chars().map(kind).collect(),
            result: gives.chars().next().map_or(TermType::Any, kind),
        }
    };
    SIGNATURES.iter().enumerate().map(known).collect()
});

/// The table of jets of the runtimes.
pub(super) static JET_TABLE: LazyLock<Arc<JetTable>> = LazyLock::new(|| Arc::new(table()));

/// A new table of all jets.
pub(super) fn table() -> JetTable {
    ::jets::table()
}

/// The number in the placeholder of the first law.
static FIRST: LazyLock<Natural> = LazyLock::new(|| nat_from_bytes(b"\0library") << 8u32);

/// The placeholder of the law with this number.
fn placeholder(number: usize) -> Term {
    Term::Nat(&*FIRST + Natural::from(number)).pin()
}

/// The number of the law, if a term is a placeholder.
pub(super) fn law_of(term: &Term) -> Option<usize> {
    let Term::Pin(item) = term else { return None };
    let Term::Nat(nat) = &**item else { return None };
    if nat < &*FIRST {
        return None;
    }
    usize::try_from(&(nat - &*FIRST)).ok().filter(|number| *number < SIGNATURES.len())
}

/// The numbers of the laws with placeholders in a program, sorted.
pub(super) fn placeholders(program: &Term) -> Vec<usize> {
    let mut found = Vec::new();
    let mut pending = vec![program];
    while let Some(term) = pending.pop() {
        match term {
            Term::Nat(_) => {}
            Term::Pin(item) => match law_of(term) {
                Some(number) => found.push(number),
                None => pending.push(item),
            },
            Term::Law { body, .. } => pending.push(body),
            Term::App(f, x) => pending.extend([&**f, &**x]),
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// A program with the laws in place of the placeholders. None if one of them is large. Recurses on
/// the program, which is not deep.
pub(super) fn expanded(program: &Term) -> Option<Term> {
    if let Some(number) = law_of(program) {
        return LIBRARY[number].term.clone();
    }
    Some(match program {
        Term::Nat(_) => program.clone(),
        Term::Pin(item) => expanded(item)?.pin(),
        Term::Law { name, arity, body } => {
            let body = expanded(body)?.into();
            Term::Law { name: name.clone(), arity: arity.clone(), body }
        }
        Term::App(f, x) => expanded(f)?.app(expanded(x)?),
    })
}

/// A message with the names of laws in place of placeholders and of the laws.
pub(super) fn readable(message: &str) -> String {
    let mut texts: Vec<(String, &str)> = Vec::new();
    for (number, law) in LIBRARY.iter().enumerate() {
        texts.push((placeholder(number).to_string(), law.name));
        texts.extend(law.term.as_ref().map(|term| (term.to_string(), law.name)));
    }
    texts.sort_by_key(|(text, _)| std::cmp::Reverse(text.len()));
    texts.iter().fold(message.to_owned(), |message, (text, name)| message.replace(text, name))
}
