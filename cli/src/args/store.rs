//! The options of the commands on the store of a machine.

use super::shared::EvaluationOptions;
use clap::Args;
use persist::SetAsideId;
use std::net::SocketAddr;
use std::path::PathBuf;

pub(super) const CHECK_HELP: &str = "\
Verifies every frame of the log and of the pin catalogue, every edge between pins, every snapshot,
and the contents and hash of every pin. Changes nothing. The machine may be running: then its store
is verified as it is when the command begins.

Each damage is reported with file and offset, and with its effect on each snapshot. A record that a
crash left unfinished at the end of a file is not damage: the next start truncates it.

Exit codes: 0 the store is whole; 1 it is damaged; 2 it could not be checked.";

pub(super) const DU_HELP: &str = "\
A pin is a part of a state that is stored once, however many states share it. A snapshot holds the
pins that are reachable from it. Pins that no snapshot reaches are garbage. Pin bodies are not read.

An input that is set aside was written by a driver; an event with this input alone exceeded a limit,
or the event with it crashed and the machine was started with --retry. `pallas start --offer` offers
it again, and `pallas set-aside` removes it.";

pub(super) const GC_HELP: &str = "\
Removes every pin that no kept snapshot needs, and returns its disk space to the file system; later
pins reuse the gaps. Follows the edges between pins; pin bodies are not read. If the process is
killed, nothing that is needed is lost, and the next run continues. The machine must not be running;
a running machine removes such pins by itself.";

pub(super) const EXPORT_HELP: &str = "\
The file holds the newest snapshot, every pin that it needs, and the events after it: the machine
with its running programs and open calls. It ends with a checksum, and is the same on every
architecture.
  pallas export /tmp/counter counter.pallas
  pallas import counter.pallas /tmp/counter2
  pallas start /tmp/counter2
The machine may be running: then the file holds it as it is when the command begins. It remains
usable: start only one of the two copies if its effects must happen once.";

pub(super) const SET_ASIDE_HELP: &str = "\
Without --remove and --remove-all, lists the inputs with their ids. An input that is removed is lost:
`pallas start --offer` cannot offer it any more. The machine may be running.";

pub(super) const INSPECT_HELP: &str = "\
Prints the address of the page, with a secret token, and serves it until Ctrl-C. Only this computer
can reach it, and it changes nothing. The machine may be running, and may be started or stopped
meanwhile: a machine that does not run is locked only while a page is made.
  pallas inspect /tmp/counter";

/// Options of `pallas inspect`.
#[derive(Args, Debug)]
pub(crate) struct InspectArgs {
    #[command(flatten)]
    pub(crate) evaluation: EvaluationOptions,
    /// Address and port to listen on; the address must be one of this computer only, and port 0 is a
    /// free one
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:0")]
    pub(crate) listen: SocketAddr,
    /// Directory of the machine
    #[arg(value_name = "STORE")]
    pub(crate) store: PathBuf,
}

/// Options of `pallas check`.
#[derive(Args, Debug)]
pub(crate) struct StoreArgs {
    /// Directory of the machine
    #[arg(value_name = "STORE")]
    pub(crate) store: PathBuf,
}

/// Options of `pallas du`.
#[derive(Args, Debug)]
pub(crate) struct DuArgs {
    /// Print JSON: an object with the keys log, spare, pins, catalogue, index, shared, garbage,
    /// set_aside and snapshots
    #[arg(long)]
    pub(crate) json: bool,
    /// Directory of the machine
    #[arg(value_name = "STORE")]
    pub(crate) store: PathBuf,
}

/// Options of `pallas gc`.
#[derive(Args, Debug)]
pub(crate) struct GcArgs {
    /// Show what would be removed, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Directory of the machine
    #[arg(value_name = "STORE")]
    pub(crate) store: PathBuf,
}

/// Options of `pallas export`.
#[derive(Args, Debug)]
pub(crate) struct ExportArgs {
    /// Directory of the machine
    #[arg(value_name = "STORE")]
    pub(crate) store: PathBuf,
    /// The file to write; it must not exist
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}

/// Options of `pallas import`.
#[derive(Args, Debug)]
pub(crate) struct ImportArgs {
    /// A file that `pallas export` wrote
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Directory of the new machine; it must not exist, or be empty
    #[arg(value_name = "STORE")]
    pub(crate) store: PathBuf,
}

/// Options of `pallas set-aside`.
#[derive(Args, Debug)]
pub(crate) struct SetAsideArgs {
    /// Remove the input with this id; may be given several times
    #[arg(long, value_name = "ID", value_parser = input_id)]
    pub(crate) remove: Vec<SetAsideId>,
    /// Remove all inputs that are set aside
    #[arg(long, conflicts_with = "remove")]
    pub(crate) remove_all: bool,
    /// Directory of the machine
    #[arg(value_name = "STORE")]
    pub(crate) store: PathBuf,
}

/// Parses the id of an input.
fn input_id(text: &str) -> Result<SetAsideId, String> {
    let number = u128::from_str_radix(text, 16).ok().filter(|_| text.len() == 32);
    number.map(u128::to_be_bytes).ok_or_else(|| "expected 32 hexadecimal digits".into())
}
