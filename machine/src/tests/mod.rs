//! Whole machines, on a simulated disk and with a manual clock, so that nothing waits for wall
//! time.

mod conventions;
mod counter;
mod disk;
mod drivers;
mod failures;
mod garbage;
pub(crate) mod harness;
mod jobs;
mod limits;
mod long_replay;
mod profile;
pub(crate) mod programs;
mod reads;
mod rehearsal;
mod replay;
mod retry;
mod rollback;
mod sampling;
mod stall;
pub(crate) mod terms;
mod tiers;
mod traces;
mod upgrade;
mod upgrade_property;
mod workers;
