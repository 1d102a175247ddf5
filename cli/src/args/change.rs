//! The options of the commands that look into the history of a machine and change its program.

use super::shared::{BootCacheOptions, EvaluationOptions, PrintSize, ProfileOptions, TimeOptions};
use clap::Args;
use std::path::PathBuf;

/// Which command is for what, as a literal: part of several help texts.
macro_rules! change_choices {
    () => {
        "\
Which command for what:
  start --retry          the cog crashed at an event, and the program is right: continue without
                         that event; its inputs are set aside
  upgrade                the program is wrong or to be extended: a new one takes over the state, and
                         no event is lost; also if the cog has crashed
  rollback               the state is wrong: go back to an earlier one; the inputs since then are
                         kept in a file, and offered again on request
  start --from-snapshot  a file is damaged: start from an older snapshot and replay the log"
    };
}

pub(super) const CHANGE_CHOICES: &str = change_choices!();

pub(super) const LOG_HELP: &str = "\
The events are replayed from a kept snapshot, to show their outputs, the time of their
evaluation and the hash of the state after them. Where no snapshot leads, and with --no-replay
and --follow, what the log has is shown: time, inputs, how the event ended. Values are printed
as Sire prints them. Nothing is changed, and the machine may be running.";

pub(super) const DIFF_HELP: &str = "\
Prints the parts that differ, as a tree: state, reads, workers and function are the parts of the
cog, numbers are items of rows, other names keys of tables, and * is the item of a pin. A line
with - is the part after the first event, one with + the part after the second. Equal pins are
not looked at. Nothing is changed, and the machine may be running.";

pub(super) const FORK_HELP: &str = "\
The fork has the log and the snapshots up to the event, and goes its own way from there. Its
files share their blocks with the original where the file system can (Btrfs, XFS), and are
copied otherwise. It is detached: calls of its devices wait, so nothing happens twice outside.
`pallas start --attach` connects it. The machine may be running.
  pallas fork /tmp/counter /tmp/trial --at 100
  pallas start /tmp/trial";

pub(super) const REHEARSE_HELP: &str = "\
The new program takes over the state as of --last events ago, gets the inputs of these events
again, and is compared with what the old program did: how each event ended, its outputs, and the
answer to the query 0 after it. Nothing is sent and nothing is changed; the machine may be
running. The upgrade of the newest state is tried as well, and its workers are listed: those
whose items are equal in both programs would keep running with their connections.

An event that fails and did not fail before makes the state worse. Outputs and answers that
differ do not: a new program may mean to differ. If nothing got worse, the rehearsal is noted in
the store, and `pallas upgrade` accepts this very program.

Exit codes: 0 nothing got worse; 1 something did, or the rehearsal failed.";

pub(super) const UPGRADE_HELP: &str = concat!(
    "\
The module is compiled as for `boot`. If it exports `migrate`, a function of the old cog's
state, the result of this function is the new cog. Otherwise the new cog is `main` with the
state of the old one in place of its own:
  = (migrate old) | runCog (tabSing {everyone} old) look counter

The upgrade is one event of the log: it happens whole or not at all, also if the power fails,
and a replay repeats it. A running machine is upgraded without a restart; workers whose items
are equal keep running. If `migrate` crashes or exceeds a limit, the machine stays as it was.
`pallas rollback` goes back to the state before the upgrade.

",
    change_choices!()
);

pub(super) const ROLLBACK_HELP: &str = concat!(
    "\
The rollback is an event of the log, and nothing is deleted. The inputs of the events since then
are written to STORE/rolled-back/EVENT.jsonl, one event a line, where EVENT is the number of the
rollback. With --replay-inputs, those that drivers wrote are also offered to the cog of the
earlier state. The machine must not be running.

",
    change_choices!()
);

/// Options of `pallas log`.
#[derive(Args, Debug)]
pub(crate) struct LogArgs {
    #[command(flatten)]
    pub(crate) evaluation: EvaluationOptions,
    #[command(flatten)]
    pub(crate) print: PrintSize,
    /// Show this event only
    #[arg(long, value_name = "EVENT")]
    pub(crate) event: Option<u64>,
    /// Number of events to show, the newest ones
    #[arg(long, value_name = "COUNT", default_value_t = 20, conflicts_with = "event")]
    pub(crate) last: u64,
    /// Show what the log has, without a replay
    #[arg(long)]
    pub(crate) no_replay: bool,
    /// Show further events of a running machine as they become durable, until it stops
    #[arg(long, conflicts_with = "event")]
    pub(crate) follow: bool,
    /// Print JSON: one object a line, with the keys event, time, ending, inputs, size, after a crash
    /// also calls, and after a replay also outputs, nanoseconds, state, replaced_functions
    #[arg(long)]
    pub(crate) json: bool,
    /// Directory of the machine
    #[arg(value_name = "STORE")]
    pub(crate) store: PathBuf,
}

/// Options of `pallas diff`.
#[derive(Args, Debug)]
pub(crate) struct DiffArgs {
    #[command(flatten)]
    pub(crate) evaluation: EvaluationOptions,
    #[command(flatten)]
    pub(crate) print: PrintSize,
    /// The most changes that are listed; further ones are counted
    #[arg(long, value_name = "COUNT", default_value_t = 1000)]
    pub(crate) changes: usize,
    /// Print JSON: an object with the keys from, to, changes, more; a change has path, old, new
    #[arg(long)]
    pub(crate) json: bool,
    /// Directory of the machine
    #[arg(value_name = "STORE")]
    pub(crate) store: PathBuf,
    /// The event after which the first state is
    #[arg(value_name = "EVENT")]
    pub(crate) from: u64,
    /// The event after which the second state is
    #[arg(value_name = "EVENT")]
    pub(crate) to: u64,
}

/// Options of `pallas fork`.
#[derive(Args, Debug)]
pub(crate) struct ForkArgs {
    /// The last event of the fork [default: the last event of the machine]
    #[arg(long, value_name = "EVENT")]
    pub(crate) at: Option<u64>,
    /// Directory of the machine
    #[arg(value_name = "STORE")]
    pub(crate) store: PathBuf,
    /// Directory of the fork; it must not exist, or be empty
    #[arg(value_name = "NEW")]
    pub(crate) new: PathBuf,
}

/// How a new program is loaded, and how it runs on the state of a machine.
#[derive(Args, Debug)]
pub(crate) struct ProgramOptions {
    #[command(flatten)]
    pub(crate) cache: BootCacheOptions,
    #[command(flatten)]
    pub(crate) profile: ProfileOptions,
    #[command(flatten)]
    pub(crate) evaluation: EvaluationOptions,
    #[command(flatten)]
    pub(crate) time: TimeOptions,
    #[command(flatten)]
    pub(crate) print: PrintSize,
}

/// Options of `pallas rehearse`.
#[derive(Args, Debug)]
pub(crate) struct RehearseArgs {
    #[command(flatten)]
    pub(crate) program: ProgramOptions,
    /// Number of events whose inputs the new program gets, the newest ones
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    pub(crate) last: u64,
    /// Print JSON: an object with the keys program, from, to, clean, upgrade, upgrade_now, workers,
    /// heaps, events
    #[arg(long)]
    pub(crate) json: bool,
    /// Directory of the machine
    #[arg(value_name = "STORE")]
    pub(crate) store: PathBuf,
    /// The module with the new program
    #[arg(value_name = "SIRE")]
    pub(crate) module: String,
}

/// Options of `pallas upgrade`.
#[derive(Args, Debug)]
pub(crate) struct UpgradeArgs {
    #[command(flatten)]
    pub(crate) program: ProgramOptions,
    /// How many events may have happened since the rehearsal of this program
    #[arg(long, value_name = "EVENTS", default_value_t = 1000)]
    pub(crate) max_lag: u64,
    /// Upgrade without a rehearsal
    #[arg(long, conflicts_with = "max_lag")]
    pub(crate) force: bool,
    /// Directory of the machine
    #[arg(value_name = "STORE")]
    pub(crate) store: PathBuf,
    /// The module with the new program
    #[arg(value_name = "SIRE")]
    pub(crate) module: String,
}

/// Options of `pallas rollback`.
#[derive(Args, Debug)]
pub(crate) struct RollbackArgs {
    #[command(flatten)]
    pub(crate) evaluation: EvaluationOptions,
    #[command(flatten)]
    pub(crate) time: TimeOptions,
    #[command(flatten)]
    pub(crate) print: PrintSize,
    /// The last event that stays in the state [default: the one before the newest upgrade]
    #[arg(long, value_name = "EVENT")]
    pub(crate) to: Option<u64>,
    /// Offer the inputs since then to the cog of the earlier state, in their order
    #[arg(long)]
    pub(crate) replay_inputs: bool,
    /// Directory of the machine
    #[arg(value_name = "STORE")]
    pub(crate) store: PathBuf,
}
