//! Walk over the leaves of a tree of apps, which evaluates the tree on the way.
//!
//! The children of an app are its arguments, the last one first, so a row's items are visited in
//! order. The function of an app is skipped. The values being walked are on the call's stack, where
//! the collector finds them; an explicit stack of [`WalkedApp`] replaces recursion.

use crate::args::{Suspendable, evaluate};
use plan::{EvalError, Ref};
use vm::jet::JetCall;

/// An app at index `at` that has `left` items left to visit.
struct WalkedApp {
    at: usize,
    left: usize,
}

/// Calls `visit` with every leaf (every value that is not an app) of the tree at index `tree`.
pub(crate) fn leaves(
    call: &mut JetCall<'_>,
    tree: usize,
    mut visit: impl FnMut(&JetCall<'_>, Ref<'_>) -> Result<(), EvalError>,
) -> Suspendable<()> {
    let floor = call.height();
    let mut open: Vec<WalkedApp> = Vec::new();
    call.push_at(tree);
    loop {
        call.check()?;
        let at = call.height() - 1;
        if evaluate(call, at)?.is_none() {
            return Ok(None);
        }
        match call.arg_count(at) {
            0 => {
                visit(call, call.at(at))?;
                call.drop_to(at);
            }
            left => open.push(WalkedApp { at, left }),
        }
        if !push_next(call, &mut open)? {
            call.drop_to(floor);
            return Ok(Some(()));
        }
    }
}

/// Pushes the next item to visit; returns `false` if none is left.
fn push_next(call: &mut JetCall<'_>, open: &mut Vec<WalkedApp>) -> Result<bool, EvalError> {
    while let Some(last) = open.last_mut() {
        if last.left == 0 {
            call.drop_to(last.at);
            open.pop();
            continue;
        }
        last.left -= 1;
        call.room_for(8)?;
        call.push_arg(last.at, last.left)?;
        return Ok(true);
    }
    Ok(false)
}
