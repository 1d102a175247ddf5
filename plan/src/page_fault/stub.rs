//! For Miri, which has no signals: a fault on a mapped page keeps its default behaviour.

/// Installs nothing.
pub(super) fn install() {}

/// Does nothing: no handler needs a stack.
pub(super) fn ensure_alternate_stack() {}
