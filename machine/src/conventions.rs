//! The conventions between a machine and its program in which the prototype's branches differ: the
//! arguments of the cog's `reads`, and the form of job results.
//!
//! They are chosen when a machine is booted, and are part of its state ([`MachineState`]), so that
//! a replay gives the cog the inputs that it had, and a program keeps the conventions that it was
//! written for.
//!
//! [`MachineState`]: crate::status::MachineState

use crate::protocol::{self, CogParts};
use plan::Ref;

/// The form of a job's result as an input of the cog.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum JobResultForm {
    /// `[value]`; `[op arg]` of a crash; `[]` if the job ran out of CPU time, stack or memory.
    #[default]
    Plain,
    /// `[1 value]`; `[0 [op arg]]` of a crash; `[0 0]` if the job ran out of CPU time, stack or
    /// memory. (Prototype: lib/Server/Machine.hs, branch port-fulltag)
    Tagged,
}

/// The arguments with which the machine calls the cog's `reads` to answer a driver.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum ReadArgumentOrder {
    /// `(reads state key query)`, where `key` is the key of the driver's request. (Prototype:
    /// lib/Server/Machine.hs, branch master)
    #[default]
    StateKey,
    /// `(reads slot state query)`, where `slot` is the driver's. (Prototype: lib/Server/Machine.hs,
    /// branches message-passing and port-fulltag, and the documents of all branches)
    SlotState,
}

impl ReadArgumentOrder {
    /// The arguments of a call of `reads`.
    pub(crate) fn arguments<T>(self, slot: T, state: T, key: T, query: T) -> [T; 3] {
        match self {
            ReadArgumentOrder::StateKey => [state, key, query],
            ReadArgumentOrder::SlotState => [slot, state, query],
        }
    }
}

/// The conventions of one machine. They never change.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct ProgramConventions {
    pub(crate) job_results: JobResultForm,
    pub(crate) read_arguments: ReadArgumentOrder,
}

/// The bit of a convention in the nat that stands for all of them.
const TAGGED_JOB_RESULTS: u64 = 1;
const SLOT_STATE_READS: u64 = 2;

impl ProgramConventions {
    /// The conventions that a cog expects, as far as its form shows that.
    ///
    /// - A cog whose `reads` is the function `_Get` of a row expects `(reads slot state query)`:
    ///   the row has a function `(state query)` for each slot. So do the kernels of the prototype's
    ///   branches message-passing and port-fulltag.
    /// - If it is also a closure of the law `COG_KERNEL` that takes seven arguments, it expects
    ///   tagged job results. This is the kernel of port-fulltag; that of message-passing takes six,
    ///   and its machine runs no job.
    pub(crate) fn of_cog(cog: Ref<'_>) -> ProgramConventions {
        let reads = CogParts::of(cog).reads;
        if !reads.is_some_and(is_get_of_row) {
            return ProgramConventions::default();
        }
        let is_fulltag_kernel = protocol::is_partial_call(cog, b"COG_KERNEL", 6);
        ProgramConventions {
            job_results: if is_fulltag_kernel {
                JobResultForm::Tagged
            } else {
                JobResultForm::Plain
            },
            read_arguments: ReadArgumentOrder::SlotState,
        }
    }

    /// The nat that stands for the conventions in the state. It is 0 for those of the first
    /// versions.
    pub(crate) fn to_bits(self) -> u64 {
        let job_results = match self.job_results {
            JobResultForm::Plain => 0,
            JobResultForm::Tagged => TAGGED_JOB_RESULTS,
        };
        let read_arguments = match self.read_arguments {
            ReadArgumentOrder::StateKey => 0,
            ReadArgumentOrder::SlotState => SLOT_STATE_READS,
        };
        job_results | read_arguments
    }

    /// The conventions that a nat stands for. None if it has bits of a later version, whose
    /// conventions this program cannot keep.
    pub(crate) fn of_bits(bits: u64) -> Option<ProgramConventions> {
        if bits & !(TAGGED_JOB_RESULTS | SLOT_STATE_READS) != 0 {
            return None;
        }
        let has = |bit| bits & bit != 0;
        let job_results =
            if has(TAGGED_JOB_RESULTS) { JobResultForm::Tagged } else { JobResultForm::Plain };
        let read_arguments = if has(SLOT_STATE_READS) {
            ReadArgumentOrder::SlotState
        } else {
            ReadArgumentOrder::StateKey
        };
        Some(ProgramConventions { job_results, read_arguments })
    }
}

/// Whether a value is the function `_Get` of a row.
fn is_get_of_row(value: Ref<'_>) -> bool {
    protocol::is_partial_call(value, b"_Get", 1)
        && protocol::arguments(value).all(|table| table.as_row().is_some())
}
