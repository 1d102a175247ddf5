//! [`UpgradeProgram`]: what an upgrade gives a machine, as bytes.
//!
//! The value is the row `[main]`, or `[main migrate]` if the module exports `migrate`: a function
//! from the old cog's state to the new cog. The hash of this row identifies the program: a rehearsal
//! counts for the program with its hash only.

use crate::codec::{self, SeedBytes};
use plan::{EvalError, Hash, Val};
use vm::Vm;

/// A program for [`Machine::upgrade`](crate::Machine::upgrade). It belongs to no heap.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UpgradeProgram {
    pub(crate) hash: Hash,
    pub(crate) seed: SeedBytes,
}

/// Why a program cannot be used for an upgrade.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// The value of `main` or `migrate` cannot be computed, for this reason.
    #[error("the program has no value: {0}")]
    Evaluation(String),
    /// The value has too many parts to be serialized.
    #[error("the program is too large to be logged")]
    TooLarge,
}

impl From<EvalError> for ProgramError {
    fn from(stop: EvalError) -> ProgramError {
        ProgramError::Evaluation(stop.to_string())
    }
}

impl UpgradeProgram {
    /// Serializes the `main` of a module, and its `migrate` if it has one. They are evaluated first.
    ///
    /// # Errors
    /// See [`ProgramError`].
    pub fn new(
        vm: &mut Vm,
        main: &Val,
        migrate: Option<&Val>,
    ) -> Result<UpgradeProgram, ProgramError> {
        let items: Vec<Val> = [Some(main), migrate].into_iter().flatten().cloned().collect();
        let row = vm.row(&items)?;
        let row = vm.force(&row)?;
        let hash = vm.hash(&row)?;
        let seed = codec::serialize(vm, &row).map_err(|_| ProgramError::TooLarge)?;
        Ok(UpgradeProgram { hash, seed })
    }

    /// The program of a seed that [`UpgradeProgram::seed`] returned. The upgrade checks that it has
    /// this hash.
    pub fn from_seed(hash: Hash, seed: Vec<u8>) -> UpgradeProgram {
        UpgradeProgram { hash, seed: SeedBytes(seed) }
    }

    /// The hash of the program.
    pub fn hash(&self) -> Hash {
        self.hash
    }

    /// The program as a seed.
    pub fn seed(&self) -> &[u8] {
        &self.seed.0
    }
}
