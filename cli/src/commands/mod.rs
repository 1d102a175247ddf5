//! The commands, and the helpers that several of them share.

pub(crate) mod bench;
pub(crate) mod check;
pub(crate) mod diff;
pub(crate) mod du;
mod event_text;
pub(crate) mod fmt;
pub(crate) mod gc;
pub(crate) mod generate;
mod history;
pub(crate) mod jets;
pub(crate) mod log;
pub(crate) mod machine;
pub(crate) mod metrics;
pub(crate) mod new;
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
pub(crate) mod test;
pub(crate) mod transfer;
pub(crate) mod upgrade;
