//! Machines as a whole, on a simulated disk and with a clock that leaps, so that nothing waits.

mod counter;
mod crashes;
mod disk;
mod jobs;
mod plan;
mod programs;
pub(crate) mod rig;
mod tiers;
mod workers;
