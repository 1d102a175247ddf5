//! Finds a part of a command in its source text.
//!
//! A command is a Rex tree, which has spans, and the same tree as a PLAN value, which macros see. An
//! error names a part of the value. A macro usually returns parts of its input unchanged, so the
//! part is mostly identical with a part of the command's value, and the walk over both finds its
//! span. This costs nothing unless a command fails.
//!
//! A part that a macro made has no place of its own. It gets that of an equal part within the
//! macro's input, or of the input itself.

use crate::rex_value::RexView;
use plan::Val;
use rex::{Rex, SourceSpan};
use vm::Vm;

/// A tree and the value that was made of it.
#[derive(Clone)]
struct TreeAndValue<'r> {
    rex: &'r Rex,
    value: Val,
}

/// Returns the span of a part of the command `value`, which was made of `rex`. `expansions` are the
/// inputs of the macros whose result the part may be, outermost first.
pub(crate) fn span_of(
    vm: &Vm,
    rex: &Rex,
    value: &Val,
    part: &Val,
    expansions: &[Val],
) -> SourceSpan {
    let root = TreeAndValue { rex, value: value.clone() };
    if let Some(found) = find(vm, &root, |candidate| is_identical(vm, candidate, part)) {
        return found.rex.span();
    }
    for input in expansions.iter().rev() {
        let Some(call) = find(vm, &root, |candidate| is_identical(vm, candidate, input)) else {
            continue;
        };
        let equal = find(vm, &call, |candidate| {
            vm.look(candidate).is_equal(vm.look(part)) && RexView::is_tree(vm.look(part))
        });
        return equal.unwrap_or(call).rex.span();
    }
    rex.span()
}

fn is_identical(vm: &Vm, a: &Val, b: &Val) -> bool {
    vm.look(a).is_same(vm.look(b))
}

/// Returns the first tree, in the order of the source, whose value has a property.
fn find<'r>(
    vm: &Vm,
    root: &TreeAndValue<'r>,
    has_property: impl Fn(&Val) -> bool,
) -> Option<TreeAndValue<'r>> {
    let mut pending = vec![root.clone()];
    while let Some(TreeAndValue { rex, value }) = pending.pop() {
        if has_property(&value) {
            return Some(TreeAndValue { rex, value });
        }
        let (sons, heir) = match RexView::of(vm, &value) {
            RexView::Node { sons, heir, .. } => (sons, heir),
            RexView::Leaf { heir, .. } => (Vec::new(), heir),
            RexView::Embed(_) | RexView::Malformed => continue,
        };
        let heir = rex.heir().zip(heir).into_iter();
        let parts = rex.sons().iter().zip(sons).chain(heir);
        let first = pending.len();
        pending.extend(parts.map(|(rex, value)| TreeAndValue { rex, value }));
        pending[first..].reverse();
    }
    None
}
