//! Machines: persistent processes whose inputs are logged, whose state is snapshotted, and which
//! go on where they were after anything.
//!
//! A machine runs one *cog*, a pure transition function in PLAN, and the *workers* that the cog
//! asks for: drivers, which deal with the outside, and jobs, which compute in parallel. What the
//! values look like and what each party may rely on is told in `PROTOCOL.md`, beside this crate.
//!
//! ```text
//!   devices ◀──call── driver ──write, read──▶ cog ──event──▶ log (persist)
//!           ──answer─▶ thread ◀──message───── thread ◀─durable─┘
//!                                  job pool ──result──▶ │
//!                                                       └──▶ snapshots
//! ```
//!
//! What it promises:
//!
//! - An event (a batch of inputs to the cog) is evaluated, logged with how it ended, and only when
//!   the log is durable does anything that depends on it leave: messages and starts of workers,
//!   answers to reads, traces.
//! - Starting is the newest snapshot and then the same `Cog::apply` over the events since. Events and snapshots carry hashes of the state, so a replay that goes astray is an
//!   error.
//! - Whatever an evaluation ends in, it ends only that evaluation; how an event ended is in the
//!   log, and a replay takes the log's word.
//! - Nothing runs while there is nothing to do.
//!
//! Each running thing has a heap and a thread of its own; what crosses is bytes (`codec`).
//!
//! ```text
//! machine   the run loop: batches, effects that wait for the log, the end
//! replay    opening: snapshot, events since, checks
//! boot      a new machine from a value
//! cog       the cog's heap: events, reads, status
//! workers   which worker is in which slot; crew: those that run
//! driver    a driver's thread          job     the job pool
//! device    what drivers can call; device/time
//! protocol  the shapes of PLAN values  record  the bytes of an event
//! state     machine state as a pin     codec   values as bytes
//! snapshot  when and how they are written      checks  when the state's hash is logged
//! watchdog  time limits                leash   ending a worker from outside
//! verify    whether stored pins are what their hashes say
//! portable  pins as they travel from store to store
//! ```
//!
//! Whoever starts a machine gives it a [`Console`], and stops it with a [`Handle`]:
//!
//! ```no_run
//! # fn demo(console: std::sync::Arc<dyn machine::Console>) -> Result<(), Box<dyn std::error::Error>> {
//! use machine::{Machine, Settings};
//! let machine = Machine::open("counter".as_ref(), Settings::new(console))?;
//! let handle = machine.handle();
//! std::thread::spawn(move || {
//!     // When a signal comes:
//!     handle.stop();
//! });
//! let outcome = machine.run()?;
//! # let _ = outcome; Ok(()) }
//! ```

mod boot;
mod checks;
pub mod clock;
mod codec;
mod cog;
mod console;
mod crew;
pub mod device;
mod driver;
mod error;
mod job;
mod leash;
mod machine;
mod messages;
mod portable;
mod protocol;
mod record;
mod replay;
mod settings;
mod snapshot;
mod state;
mod trace;
mod verify;
mod watchdog;
mod workers;

pub use boot::Booted;
pub use console::{Console, Notice, Who};
pub use error::{Abort, BootError, RunError, StartError, StateError, SystemError};
pub use machine::{Handle, Machine, Outcome};
pub use portable::Germs;
pub use settings::{ReplayFrom, Settings, SnapshotRule};
pub use verify::Verifier;

#[cfg(test)]
mod tests;
