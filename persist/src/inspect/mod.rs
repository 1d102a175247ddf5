//! Inspecting a store without opening it: its damage, and the space that each part uses.
//!
//! [`Store::open`](crate::Store::open) stops at the first damage. An [`StoreInspection`] continues
//! after it, to report all damage and what it means for each snapshot. It holds the store's lock,
//! opens files for reading only, and changes nothing, not even a torn tail.
//!
//! ```text
//! FORMAT, snapshots ──open──▶ Inspection ──check──▶ every frame, every body ──▶ CheckReport
//!                                        └─usage──▶ catalogue ──▶ graph ──▶ StoreUsage
//! ```
//!
//! Memory: the hashes and edges of all pins, and the payload of one frame at a time. Bodies are
//! mapped.

mod check;
mod faults;
mod inspection;
mod report;
#[cfg(test)]
mod tests;
mod usage;

pub use check::PinVerifier;
pub use inspection::StoreInspection;
pub use report::{CheckReport, DamageEffect, DamageFinding, SnapshotStatus};
pub use usage::{SnapshotUsage, StoreUsage};
