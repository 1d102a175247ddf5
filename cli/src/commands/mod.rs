//! The commands, and the helpers that several of them share.

pub(crate) mod check;
pub(crate) mod diff;
pub(crate) mod du;
mod event_text;
pub(crate) mod gc;
mod history;
mod inspected;
pub(crate) mod jets;
pub(crate) mod log;
pub(crate) mod machine;
pub(crate) mod metrics;
mod recording;
pub(crate) mod rehearse;
mod rehearse_text;
pub(crate) mod rollback;
pub(crate) mod seed;
pub(crate) mod set_aside;
mod setup;
pub(crate) mod sire;
mod statistics;
mod status;
pub(crate) mod transfer;
pub(crate) mod upgrade;
