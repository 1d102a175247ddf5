//! [`KnownRows`]: the variables that are known to be rows, or to be none, on a path.

use crate::ir::Var;

/// The most rows that are known at once. The oldest are forgotten.
const KNOWN_MAX: usize = 6;

/// The variables whose headers are known on a path, the latest last.
#[derive(Clone, Default)]
pub(super) struct KnownRows(Vec<Var>);

impl KnownRows {
    pub(super) fn has(&self, var: Var) -> bool {
        self.0.contains(&var)
    }

    pub(super) fn add(&mut self, var: Var) {
        if !self.has(var) {
            if self.0.len() == KNOWN_MAX {
                self.0.remove(0);
            }
            self.0.push(var);
        }
    }

    pub(super) fn forget_all(&mut self) {
        self.0.clear();
    }

    pub(super) fn keep_common(&mut self, other: &KnownRows) {
        self.0.retain(|var| other.has(*var));
    }
}
