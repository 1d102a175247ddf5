//! The laws of our library that programs use, and what stands for them in a program.

use crate::bounds::has_at_most;
use crate::library::definitions;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};
use vm::jet::JetTable;
use vm::spec::generate::{Kind, Known};
use vm::spec::{Term, nat_from_bytes};
use vm::{Natural, plain, seed};

/// Definitions of the library, and what they take and give: `n`ats, functions of `1` and `2` nats,
/// `r`ows, `l`ists, `b`ars, `s`ets, `t`ables, or `a`nything.
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
    ("id", "a>a"),
    ("const", "na>n"),
    ("compose", "11n>n"),
    ("flip", "2nn>n"),
];

/// Laws with more parts are not given to the specification.
const PARTS: usize = 3000;

/// A law that programs use.
pub(super) struct Law {
    name: &'static str,
    pub(super) seed: Vec<u8>,
    /// What it is to the specification, if it is small.
    term: Option<Term>,
}

/// The laws, by number: in the order of the signatures.
pub(super) static LIBRARY: LazyLock<Vec<Law>> = LazyLock::new(|| {
    let mut defined: HashMap<String, (Vec<u8>, Option<Term>)> = HashMap::new();
    let wanted = |name: &str| SIGNATURES.iter().any(|(wanted, _)| *wanted == name);
    definitions(|name, vm, value| {
        if wanted(name) {
            let bytes = seed::save(vm, value).expect("laws can be saved");
            let value = vm.look(value);
            let term = has_at_most(value, PARTS).then(|| plain::to_term(value));
            defined.insert(name.to_owned(), (bytes, term));
        }
    });
    let law = |name: &'static str| {
        let found = defined.get(name).unwrap_or_else(|| panic!("the library has no {name}"));
        let (seed, term) = found.clone();
        Law { name, seed, term }
    };
    SIGNATURES.iter().map(|(name, _)| law(name)).collect()
});

/// The same as the generator knows them.
pub(super) static KNOWN: LazyLock<Arc<[Known]>> = LazyLock::new(|| {
    let kind = |letter| match letter {
        'n' => Kind::Nat,
        '1' => Kind::Function(1),
        '2' => Kind::Function(2),
        'r' => Kind::Row,
        'l' => Kind::List,
        'b' => Kind::Bar,
        's' => Kind::Set,
        't' => Kind::Tab,
        _ => Kind::Any,
    };
    let known = |(number, (_, signature)): (usize, &(&str, &str))| {
        let (takes, gives) = signature.split_once('>').expect("a signature has an arrow");
        Known {
            function: stand_in(number),
            takes: takes.chars().map(kind).collect(),
            gives: gives.chars().next().map_or(Kind::Any, kind),
        }
    };
    SIGNATURES.iter().enumerate().map(known).collect()
});

/// The jets of the runtimes.
pub(super) static TABLE: LazyLock<Arc<JetTable>> = LazyLock::new(|| Arc::new(table()));

/// The jets.
pub(super) fn table() -> JetTable {
    ::jets::table()
}

/// The number in the stand-in of the first law.
static FIRST: LazyLock<Natural> = LazyLock::new(|| nat_from_bytes(b"\0library") << 8u32);

/// What stands for the law of that number in programs.
fn stand_in(number: usize) -> Term {
    Term::Nat(&*FIRST + Natural::from(number)).pin()
}

/// The number of the law that a term stands for, if it stands for one.
pub(super) fn law_of(term: &Term) -> Option<usize> {
    let Term::Pin(item) = term else { return None };
    let Term::Nat(nat) = &**item else { return None };
    if nat < &*FIRST {
        return None;
    }
    usize::try_from(&(nat - &*FIRST)).ok().filter(|number| *number < SIGNATURES.len())
}

/// The numbers of the laws that stand-ins in a program stand for.
pub(super) fn stand_ins(program: &Term) -> Vec<usize> {
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

/// The program with the laws themselves, if all of them are small. (Programs are not deep.)
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

/// A message with the names of laws for their stand-ins, and for the laws themselves.
pub(super) fn readable(message: &str) -> String {
    let mut texts: Vec<(String, &str)> = Vec::new();
    for (number, law) in LIBRARY.iter().enumerate() {
        texts.push((stand_in(number).to_string(), law.name));
        texts.extend(law.term.as_ref().map(|term| (term.to_string(), law.name)));
    }
    texts.sort_by_key(|(text, _)| std::cmp::Reverse(text.len()));
    texts.iter().fold(message.to_owned(), |message, (text, name)| message.replace(text, name))
}
