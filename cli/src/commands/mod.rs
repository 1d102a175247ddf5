//! The commands, and the helpers that several of them share.

pub(crate) mod check;
pub(crate) mod du;
pub(crate) mod gc;
pub(crate) mod jets;
pub(crate) mod machine;
mod recording;
pub(crate) mod seed;
mod setup;
pub(crate) mod sire;
mod statistics;
mod status;
pub(crate) mod transfer;
