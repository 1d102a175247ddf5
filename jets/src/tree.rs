//! Walking the leaves of a tree of apps, first item to last, evaluating it on the way.
//!
//! An app's items are its arguments, the last one first, and its function is not looked at: so a
//! row's items come in their order. The walk lives on the call's stack; a list of open apps takes
//! the place of recursion.

use crate::args::evaluate;
use plan::{EvalError, Ref};
use vm::jet::Call;

/// An app whose items are being walked: it lies at `at`, and has `left` items left.
struct WalkedApp {
    at: usize,
    left: usize,
}

/// Shows every leaf of the value at that height to `visit`: whatever is no app. Nothing, if a value
/// must be evaluated first: it is on top then.
pub(crate) fn leaves(
    call: &mut Call<'_>,
    tree: usize,
    mut visit: impl FnMut(&Call<'_>, Ref<'_>) -> Result<(), EvalError>,
) -> Result<Option<()>, EvalError> {
    let floor = call.height();
    let mut open: Vec<WalkedApp> = Vec::new();
    call.push_at(tree);
    loop {
        call.check()?;
        let at = call.height() - 1;
        if evaluate(call, at)?.is_none() {
            return Ok(None);
        }
        match call.given(at) {
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

/// Pushes the next item to be looked at. Says no if there is none left.
fn push_next(call: &mut Call<'_>, open: &mut Vec<WalkedApp>) -> Result<bool, EvalError> {
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
