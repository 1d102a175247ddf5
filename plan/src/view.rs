//! [`Shape`]: the representation of a value, and read access to its parts.
//!
//! The shapes are the machine's, not PLAN's: PLAN sees a row as the app of a row constructor, and
//! so on. [`crate::plain`] converts to PLAN's view.

use crate::bar;
use crate::nat::NatRef;
use crate::pin;
use crate::tree::Items;
use crate::value_ref::Ref;
use crate::word::{Word, WordKind};

/// The shape of a value.
#[derive(Clone, Copy)]
pub enum Shape<'h> {
    /// A nat.
    Nat(NatRef<'h>),
    /// A pin around its item.
    Pin(PinRef<'h>),
    /// A law: its name, arity and body.
    Law(LawRef<'h>),
    /// A function applied to fewer arguments than it takes.
    App(AppRef<'h>),
    /// Bytes.
    Bar(&'h [u8]),
    /// A row's items, first to last.
    Row(Items<'h>),
    /// A table: its keys in ascending order, and the values in the order of the keys.
    Tab(Items<'h>, Items<'h>),
    /// A set's keys in ascending order.
    Set(Items<'h>),
    /// The constructor of rows of that width, which is at least 1.
    Cow(u64),
    /// Not evaluated.
    Thunk,
}

impl<'h> Ref<'h> {
    /// Returns the value's shape.
    #[inline]
    pub fn shape(self) -> Shape<'h> {
        let (heap, word) = (self.heap, self.word);
        match word.kind() {
            WordKind::Nat | WordKind::Big => Shape::Nat(NatRef::of(heap, word)),
            WordKind::Pin => Shape::Pin(PinRef(self)),
            WordKind::Law => Shape::Law(LawRef(self)),
            WordKind::App => Shape::App(AppRef(self)),
            WordKind::Bar => Shape::Bar(bar::bytes(heap, word)),
            WordKind::Row => Shape::Row(Items::of(word, heap)),
            WordKind::Set => Shape::Set(Items::of(word, heap)),
            WordKind::Tab => {
                let (keys, values) = (heap.load(word, 0), heap.load(word, 1));
                Shape::Tab(Items::of(keys, heap), Items::of(values, heap))
            }
            WordKind::Cow => Shape::Cow(word.cow_width()),
            WordKind::Thunk | WordKind::Code => Shape::Thunk,
        }
    }

    /// Returns the nat, if the value is one.
    pub fn as_nat(self) -> Option<NatRef<'h>> {
        matches!(self.word.kind(), WordKind::Nat | WordKind::Big)
            .then(|| NatRef::of(self.heap, self.word))
    }

    /// Returns the nat, if the value is one below 2^64.
    pub fn as_u64(self) -> Option<u64> {
        self.as_nat().and_then(NatRef::to_u64)
    }

    /// Returns the items, if the value is a row.
    pub fn as_row(self) -> Option<Items<'h>> {
        (self.word.kind() == WordKind::Row).then(|| Items::of(self.word, self.heap))
    }

    /// Returns the bytes, if the value is a bar.
    pub fn as_bar(self) -> Option<&'h [u8]> {
        (self.word.kind() == WordKind::Bar).then(|| bar::bytes(self.heap, self.word))
    }
}

/// A pin.
#[derive(Clone, Copy)]
pub struct PinRef<'h>(pub(crate) Ref<'h>);

impl<'h> PinRef<'h> {
    /// Returns the pin itself as a value.
    pub fn value(self) -> Ref<'h> {
        self.0
    }

    /// Returns the item, which is in normal form.
    pub fn item(self) -> Ref<'h> {
        Ref::new(pin::item(self.0.heap, self.0.word), self.0.heap)
    }
}

/// A law.
#[derive(Clone, Copy)]
pub struct LawRef<'h>(Ref<'h>);

impl<'h> LawRef<'h> {
    fn nat(self, index: usize) -> NatRef<'h> {
        NatRef::of(self.0.heap, self.0.heap.load(self.0.word, index))
    }

    /// Returns the law's name: any nat, mostly UTF-8 text with the first byte least significant.
    pub fn name(self) -> NatRef<'h> {
        self.nat(0)
    }

    /// Returns the number of arguments that the law takes, at least 1.
    pub fn arity(self) -> NatRef<'h> {
        self.nat(1)
    }

    /// Returns the law's body, which is in normal form.
    pub fn body(self) -> Ref<'h> {
        Ref::of_resolved(self.0.heap.load(self.0.word, 2), self.0.heap)
    }
}

/// A function applied to fewer arguments than it takes.
///
/// An app is mostly one flat object. A long app that grew argument by argument is a chain of
/// objects; one in normal form is always flat. The methods hide the difference.
#[derive(Clone, Copy)]
pub struct AppRef<'h>(Ref<'h>);

impl<'h> AppRef<'h> {
    /// Returns the function, which is not an app.
    pub fn head(self) -> Ref<'h> {
        let mut word = self.0.word;
        while word.kind() == WordKind::App {
            word = self.0.heap.load(word, 0);
        }
        Ref::new(word, self.0.heap)
    }

    /// Returns the arguments in order, as one or more contiguous runs.
    pub fn runs(self) -> impl Iterator<Item = Items<'h>> {
        // An app mostly has one run only; `before` then stays empty and allocates nothing.
        let (last, mut function) = self.run_of(self.0.word);
        let mut before = Vec::new();
        while function.kind() == WordKind::App {
            let (run, next) = self.run_of(function);
            before.push(run);
            function = next;
        }
        before.into_iter().rev().chain([last])
    }

    /// Returns the arguments in one object of the chain, and the function, which holds those before
    /// them.
    fn run_of(self, word: Word) -> (Items<'h>, Word) {
        let heap = self.0.heap;
        (Items::flat(heap.words(word, 1), heap), heap.load(word, 0))
    }

    /// Returns the arguments in order.
    pub fn args(self) -> impl Iterator<Item = Ref<'h>> {
        let heap = self.0.heap;
        let mut run = heap.words(self.0.word, 0);
        // An app mostly has one run only; `later` then stays empty and allocates nothing.
        let mut later = Vec::new();
        while run[0].kind() == WordKind::App {
            let function = run[0];
            later.push(run);
            run = heap.words(function, 0);
        }
        let mut args = run[1..].iter();
        std::iter::from_fn(move || {
            loop {
                match args.next() {
                    Some(arg) => return Some(Ref::new(*arg, heap)),
                    None => args = later.pop()?[1..].iter(),
                }
            }
        })
    }

    /// Returns the number of arguments.
    pub fn len(self) -> usize {
        let heap = self.0.heap;
        let (mut word, mut count) = (self.0.word, 0);
        while word.kind() == WordKind::App {
            count += heap.size(word) - 1;
            word = heap.load(word, 0);
        }
        count
    }

    /// Whether the number of arguments is larger than `limit`. It takes time in proportion to the
    /// limit, and [`AppRef::len`] in proportion to the number of arguments.
    pub fn is_longer_than(self, limit: usize) -> bool {
        let heap = self.0.heap;
        let (mut word, mut count) = (self.0.word, 0);
        while count <= limit && word.kind() == WordKind::App {
            count += heap.size(word) - 1;
            word = heap.load(word, 0);
        }
        count > limit
    }

    /// Returns false: an app has at least one argument.
    pub fn is_empty(self) -> bool {
        false
    }
}
