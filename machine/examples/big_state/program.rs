//! The program of the measured machine, in plain PLAN: it needs no library.

use crate::terms::{PlanExpr, arg, call, case, first, law, nat, row, second, trace};
use plan::Val;
use vm::Vm;

/// Pins per node.
pub(crate) const FANOUT: usize = 256;
/// Bytes per leaf.
const LEAF: usize = 4096;
/// How many different events the driver makes, one after the other.
const PATHS: usize = 64;

/// The size of a state: its number of nodes of leaves.
pub(crate) struct Size(usize);

impl Size {
    pub(crate) fn of(gigabytes: f64) -> Size {
        Size(((gigabytes * 1e9) as usize / (LEAF * FANOUT)).max(1))
    }

    /// The number of nodes of nodes.
    pub(crate) fn tops(&self) -> usize {
        self.0.div_ceil(FANOUT)
    }

    /// The number of nodes of leaves in the node of nodes with index `top`.
    pub(crate) fn nodes_in(&self, top: usize) -> usize {
        (self.0 - top * FANOUT).min(FANOUT)
    }
}

/// The bytes of a leaf: random, and the same for the same number.
pub(crate) fn leaf(number: u64) -> Vec<u8> {
    let mut bytes = vec![0; LEAF];
    fastrand::Rng::with_seed(number).fill(&mut bytes);
    bytes
}

/// The branch of a case analysis for a value that does not occur.
fn skip(arity: u64) -> PlanExpr {
    law(arity, nat(0))
}

/// The item of a pin.
fn unpin(x: PlanExpr) -> PlanExpr {
    call(nat(1), [law(1, arg(1)), skip(3), skip(2), skip(1), x])
}

/// `(get row n)`: item `n` of the row.
fn get() -> PlanExpr {
    // (again row m), and (found get n rest item)
    let again = law(3, call(arg(1), [arg(2), arg(3)]));
    let found = law(4, case(arg(2), arg(4), call(again, [arg(1), arg(3)])));
    law(2, call(nat(1), [skip(1), skip(3), call(found, [arg(0), arg(2)]), skip(1), arg(1)]))
}

/// `(set row n new)`: the row with `new` as item `n`.
fn set() -> PlanExpr {
    // (again set new rest item m), and (found set n new rest item)
    let again = law(5, call(call(arg(1), [arg(3), arg(5), arg(2)]), [arg(4)]));
    let more = call(again, [arg(1), arg(3), arg(4), arg(5)]);
    let found = law(5, case(arg(2), call(arg(4), [arg(3)]), more));
    let found = call(found, [arg(0), arg(2), arg(3)]);
    law(3, call(nat(1), [skip(1), skip(3), found, skip(1), arg(1)]))
}

/// `(update pin path leaf)`: the tree with `leaf` at `path`. A path is 0, or a row of an item's
/// index and the rest of the path.
fn update() -> PlanExpr {
    let ends = law(2, call(nat(4), [arg(1)]));
    // (goes update pin leaf path rest number)
    let node = || unpin(arg(2));
    let below = call(arg(1), [call(get(), [node(), arg(6)]), second(arg(4)), arg(3)]);
    let goes = law(6, call(nat(4), [call(set(), [node(), arg(6), below])]));
    let goes = call(goes, [arg(0), arg(1), arg(3), arg(2)]);
    law(3, call(nat(1), [skip(1), skip(3), goes, call(ends, [arg(3)]), arg(2)]))
}

/// A cog with this state. The input of an event is a pinned row of path and leaf; the event shows
/// the number `shown`, which tells apart two versions of the program.
pub(crate) fn cog(vm: &mut Vm, size: &Size, state: &Val, shown: u64) -> Val {
    let change = || unpin(second(first(arg(4))));
    let state_after = call(update(), [arg(1), first(change()), second(change())]);
    let next = call(arg(0), [state_after, arg(2), arg(3)]);
    let answer = row([row([nat(0), nat(0), nat(0)])]);
    let function = law(4, trace(nat(shown), row([next, answer]))).value(vm);
    let reads = law(3, arg(1)).value(vm);
    let workers = row([row([nat(1), driver(size)])]).value(vm);
    let cog = vm.app(&function, &[state.clone(), reads, workers]).expect("room");
    vm.force(&cog).expect("a closure")
}

/// A driver that writes one change after the other, each when the cog has answered the one before,
/// and starts again after the last.
fn driver(size: &Size) -> PlanExpr {
    let mut random = fastrand::Rng::with_seed(7);
    let changes: Vec<PlanExpr> = (0..PATHS as u64)
        .map(|number| {
            let top = random.usize(..size.tops());
            let node = random.usize(..size.nodes_in(top));
            let path = [random.usize(..FANOUT), node, top].into_iter();
            let path = path.fold(nat(0), |rest, item| row([nat(item as u64), rest]));
            PlanExpr::Pin(Box::new(row([path, PlanExpr::Bar(leaf(u64::MAX - number))])))
        })
        .collect();
    let list = |from: usize| {
        let changes = changes[from..].iter().rev();
        changes.fold(nat(0), |rest, change| row([change.clone(), rest]))
    };
    let write =
        |change: PlanExpr| row([row([nat(0), row([nat(0), PlanExpr::Text("write"), change])])]);
    // The driver is (handle all left requests); (goes handle all left rest change), (ends handle
    // all n).
    let goes = law(5, call(arg(1), [arg(2), second(arg(3)), write(arg(5))]));
    let ends = law(3, call(arg(1), [arg(2), second(arg(2)), write(first(arg(2)))]));
    let goes = call(goes, [arg(0), arg(1), arg(2)]);
    let ends = call(ends, [arg(0), arg(1)]);
    let handle = law(5, call(nat(1), [skip(1), skip(3), goes, ends, arg(2)]));
    call(handle, [list(0), list(1), write(changes[0].clone())])
}
