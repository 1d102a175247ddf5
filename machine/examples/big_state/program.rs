//! The machine that is measured, in plain PLAN: nothing here needs a library.

use crate::plan::{Expr, arg, call, case, first, law, nat, row, second, trace};
use vm::{Val, Vm};

/// Pins to a node.
pub(crate) const FANOUT: usize = 256;
const LEAF: usize = 4096;
/// How many different events the machine's driver makes, one after the other.
const PATHS: usize = 64;

/// How many nodes of leaves there are.
pub(crate) struct Size(usize);

impl Size {
    pub(crate) fn of(gigabytes: f64) -> Size {
        Size(((gigabytes * 1e9) as usize / (LEAF * FANOUT)).max(1))
    }

    /// How many nodes of nodes there are.
    pub(crate) fn tops(&self) -> usize {
        self.0.div_ceil(FANOUT)
    }

    /// How many nodes that one has.
    pub(crate) fn nodes_in(&self, top: usize) -> usize {
        (self.0 - top * FANOUT).min(FANOUT)
    }
}

/// Numbers as if by chance.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize
    }
}

/// The bytes of a leaf.
pub(crate) fn leaf(number: u64) -> Vec<u8> {
    let mut dice = Dice(number);
    (0..LEAF / 4).flat_map(|_| (dice.roll() as u32).to_le_bytes()).collect()
}

/// What case analysis does with a value that is not expected.
fn skip(arity: u64) -> Expr {
    law(arity, nat(0))
}

/// What is pinned.
fn unpin(x: Expr) -> Expr {
    call(nat(1), [law(1, arg(1)), skip(3), skip(2), skip(1), x])
}

/// `(get row n)`: item n.
fn get() -> Expr {
    // (again row m), and (found get n rest item)
    let again = law(3, call(arg(1), [arg(2), arg(3)]));
    let found = law(4, case(arg(2), arg(4), call(again, [arg(1), arg(3)])));
    law(2, call(nat(1), [skip(1), skip(3), call(found, [arg(0), arg(2)]), skip(1), arg(1)]))
}

/// `(set row n new)`: the row with another item n.
fn set() -> Expr {
    // (again set new rest item m), and (found set n new rest item)
    let again = law(5, call(call(arg(1), [arg(3), arg(5), arg(2)]), [arg(4)]));
    let more = call(again, [arg(1), arg(3), arg(4), arg(5)]);
    let found = law(5, case(arg(2), call(arg(4), [arg(3)]), more));
    let found = call(found, [arg(0), arg(2), arg(3)]);
    law(3, call(nat(1), [skip(1), skip(3), found, skip(1), arg(1)]))
}

/// `(update pin path leaf)`: the tree with another leaf. A path is a row of an item's number and the
/// path from there on, or 0.
fn update() -> Expr {
    let ends = law(2, call(nat(4), [arg(1)]));
    // (goes update pin leaf path rest number)
    let node = || unpin(arg(2));
    let below = call(arg(1), [call(get(), [node(), arg(6)]), second(arg(4)), arg(3)]);
    let goes = law(6, call(nat(4), [call(set(), [node(), arg(6), below])]));
    let goes = call(goes, [arg(0), arg(1), arg(3), arg(2)]);
    law(3, call(nat(1), [skip(1), skip(3), goes, call(ends, [arg(3)]), arg(2)]))
}

/// The cog over that state: an event has a pinned row of path and leaf, and is told of.
pub(crate) fn cog(vm: &mut Vm, size: &Size, state: &Val) -> Val {
    let change = || unpin(second(first(arg(4))));
    let state_after = call(update(), [arg(1), first(change()), second(change())]);
    let next = call(arg(0), [state_after, arg(2), arg(3)]);
    let answer = row([row([nat(0), nat(0), nat(0)])]);
    let function = law(4, trace(nat(1), row([next, answer]))).value(vm);
    let reads = law(3, arg(1)).value(vm);
    let workers = row([row([nat(1), driver(size)])]).value(vm);
    let cog = vm.app(&function, &[state.clone(), reads, workers]).expect("room");
    vm.force(&cog).expect("a closure")
}

/// Writes one change after the other, each when the cog has answered the one before, again and again.
fn driver(size: &Size) -> Expr {
    let mut dice = Dice(7);
    let changes: Vec<Expr> = (0..PATHS as u64)
        .map(|number| {
            let top = dice.roll() % size.tops();
            let node = dice.roll() % size.nodes_in(top);
            let path = [dice.roll() % FANOUT, node, top].into_iter();
            let path = path.fold(nat(0), |rest, item| row([nat(item as u64), rest]));
            Expr::Pin(Box::new(row([path, Expr::Bar(leaf(u64::MAX - number))])))
        })
        .collect();
    let list = |from: usize| {
        let changes = changes[from..].iter().rev();
        changes.fold(nat(0), |rest, change| row([change.clone(), rest]))
    };
    let write = |change: Expr| row([row([nat(0), row([nat(0), Expr::Text("write"), change])])]);
    // The driver is (handle all left requests); (goes handle all left rest change), (ends handle all n).
    let goes = law(5, call(arg(1), [arg(2), second(arg(3)), write(arg(5))]));
    let ends = law(3, call(arg(1), [arg(2), second(arg(2)), write(first(arg(2)))]));
    let goes = call(goes, [arg(0), arg(1), arg(2)]);
    let ends = call(ends, [arg(0), arg(1)]);
    let handle = law(5, call(nat(1), [skip(1), skip(3), goes, ends, arg(2)]));
    call(handle, [list(0), list(1), write(changes[0].clone())])
}
