//! [`InspectServer`] serves a read-only web page that shows a machine from inside, running or not:
//! its state as a tree, its events, its workers, the inputs that were set aside, the use of its
//! disk, and live charts.
//!
//! ```text
//! browser ──GET──▶ server (guard: token, Host) ──Question──▶ reader (one thread) ──▶ store
//!         ◀─HTML──                             ◀──page─────
//!         ──GET /metrics──▶ control socket of the running machine
//! ```
//!
//! The modules, each above those that it uses:
//!
//! ```text
//! server    addresses, the guard, HTTP
//! reader    the thread that has the store open while pages are asked for
//! pages     the pages, as HTML
//! reading   the open store, the last state, values as text
//! tree      the parts of a value, by a path
//! question  what a page shows, and why it cannot be shown
//! ```
//!
//! Nothing is written, and no address outside of this computer is listened on. A page is made from
//! a store that is locked, or viewed, for that moment: a machine can be started while the server
//! runs.

#![forbid(unsafe_code)]

mod pages;
mod question;
mod reader;
mod reading;
mod server;
mod tree;

pub use reader::StoreReader;
pub use server::{InspectServer, ServerError};
