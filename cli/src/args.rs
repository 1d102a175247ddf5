//! The command line: what can be asked for, and the help that teaches it.

use clap::{Args as Arguments, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

const ABOUT: &str = "Runs Pallas: persistent processes and the Sire language, on one kind of value";

const EXAMPLES: &str = "\
Examples:
  pallas sire                                a Sire session with nothing loaded
  pallas sire prelude                        one with the standard library in scope
  pallas save counter.seed demo_count_up     compile a module and save its `main`
  pallas boot /tmp/counter sire/demo_count_up.sire
  pallas start /tmp/counter                  run it; Ctrl-C, and start again
  pallas check /tmp/counter                  verify every byte of it

Modules are looked for in ./sire, then in the library built in.";

const CHECK: &str = "\
Looks at every frame of the log and of the pins' catalogue, every edge between pins, every snapshot,
and whether each pin is what was written and has the hash that it is found by. Changes nothing; the machine must not be running.
What is damaged is told with file and offset, and with what it means for each snapshot. An end that
a crash left unfinished is no damage: the next start cuts it off.

Exit codes: 0 the store is whole; 1 something is damaged; 2 it could not be looked at.";

const DU: &str = "\
A pin is a part of a state that is stored once, however many states share it. A snapshot holds the
pins that it reaches; garbage are those that no snapshot reaches any more. Reads no pin's body.";

const GC: &str = "\
What a snapshot needs stays; all other pins go, their room is given back to the file system, and what is
frozen later is put there. Follows the edges between pins and reads no pin's body. If it is ended at any
moment, nothing that is needed is lost, and the next one goes on. The machine must not be running.";

const EXPORT: &str = "\
The file holds the newest snapshot, all that it needs, and the events since: the machine with its
running programs and open calls. It ends with a checksum, and is the same on every architecture.
  pallas export /tmp/counter counter.pallas
  pallas import counter.pallas /tmp/counter2
  pallas start /tmp/counter2
The machine must not be running, and goes on to exist: start only one of the two if what it does
must be done once.";

const EXITS: &str = "\
Exit codes: 0 done; 1 something given could not be read or used; 2 a command line or a Sire
command was wrong; 3 the machine ended by itself with a crash; 101 a mistake in pallas.";

/// The whole command line.
#[derive(Parser, Debug)]
#[command(name = "pallas", version, about = ABOUT, after_help = format!("{EXAMPLES}\n\n{EXITS}"))]
#[command(arg_required_else_help = true, subcommand_required = true)]
pub(crate) struct Args {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What can be done.
#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Run a Sire session (read, evaluate, print)
    #[command(after_help = SIRE)]
    Sire(Sire),
    /// Load a Sire module and save its `main` as a seed
    Save(Save),
    /// Print what a seed file holds
    Show(Show),
    /// Talk to the program in a seed file
    Repl(Repl),
    /// Make a new machine from a Sire module
    Boot(Boot),
    /// Start a machine, or go on where it was
    Start(Start),
    /// Verify every byte of a store, and tell what is damaged
    #[command(after_help = CHECK)]
    Check(Check),
    /// Tell what holds how much of a store
    #[command(after_help = DU)]
    Du(Du),
    /// Remove the pins of a store that no kept snapshot needs
    #[command(after_help = GC)]
    Gc(Gc),
    /// Write a machine into one portable file
    #[command(after_help = EXPORT)]
    Export(Export),
    /// Make a machine of such a file
    Import(Import),
    /// List the laws that have native twins (jets), and how they do in a run
    Jets(Jets),
}

/// `pallas jets`.
#[derive(Arguments, Debug)]
pub(crate) struct Jets {
    /// Print JSON: an array of objects with the keys name, hash, library, native, and for a run calls,
    /// fell_back, mismatched
    #[arg(long)]
    pub(crate) json: bool,
    /// Modules to load anew, one after the other: the list then tells how often each law's jet was
    /// called, how many of these calls it left to its law, and how many laws were pinned that have
    /// only the name
    #[arg(value_name = "SIRE")]
    pub(crate) modules: Vec<String>,
}

/// What laws are run by.
#[derive(Arguments, Clone, Copy, Debug, Default)]
pub(crate) struct Native {
    /// Compile no laws
    #[arg(long, conflicts_with = "jit")]
    no_jit: bool,
    /// When laws are compiled
    #[arg(long, value_enum, value_name = "WHEN", default_value_t)]
    jit: When,
}

/// When laws are compiled.
#[derive(ValueEnum, Clone, Copy, Debug, Default)]
enum When {
    /// When they are called often
    #[default]
    Tiered,
    /// Before they first run (slow; for tests)
    Eager,
}

impl Native {
    /// What the compiler is to do. `PALLAS_JIT=off` and `PALLAS_JIT=eager` do what the flags do, for
    /// tests that run the command as it is.
    pub(crate) fn mode(self) -> jit::Mode {
        let asked = std::env::var("PALLAS_JIT").ok();
        match self.jit {
            _ if self.no_jit || asked.as_deref() == Some("off") => jit::Mode::Off,
            _ if asked.as_deref() == Some("eager") => jit::Mode::Eager,
            When::Tiered => jit::Mode::Tiered,
            When::Eager => jit::Mode::Eager,
        }
    }
}

/// How laws are run, and how they and jets find each other.
#[derive(Arguments, Clone, Copy, Debug, Default)]
pub(crate) struct Matching {
    #[command(flatten)]
    pub(crate) jit: Native,
    /// Tell on standard error when a jet leaves a call to its law
    #[arg(short = 'f', long)]
    pub(crate) law_fallback_warn: bool,
    /// Crash when a jet would leave a call to its law
    #[arg(short = 'F', long)]
    pub(crate) law_fallback_crash: bool,
    /// End at once if a law has the name of a jet's law but not its hash
    #[arg(short = 'M', long)]
    pub(crate) jet_mismatch_crash: bool,
}

/// How much memory may be used.
#[derive(Arguments, Clone, Copy, Debug, Default)]
pub(crate) struct Memory {
    /// End an evaluation whose live data needs more than three quarters of so many bytes: a number
    /// with K, M, G or T [default: a quarter of the memory]. Pins of a machine's store do not count;
    /// drivers and jobs have as much each
    #[arg(long, value_name = "SIZE", value_parser = size)]
    max_heap: Option<usize>,
}

impl Memory {
    /// The heap for that.
    pub(crate) fn options(self) -> vm::Options {
        let options = vm::Options::default();
        vm::Options { max_heap: self.max_heap.unwrap_or(options.max_heap), ..options }
    }
}

/// The least heap in which the library can be loaded.
const LEAST_HEAP: usize = 1 << 20;

/// A number of bytes.
fn size(text: &str) -> Result<usize, String> {
    let (digits, shift) = match text.char_indices().next_back() {
        Some((at, 'k' | 'K')) => (&text[..at], 10),
        Some((at, 'm' | 'M')) => (&text[..at], 20),
        Some((at, 'g' | 'G')) => (&text[..at], 30),
        Some((at, 't' | 'T')) => (&text[..at], 40),
        _ => (text, 0),
    };
    let number: usize = digits.parse().map_err(|_| "give a number, as in 512M or 4G")?;
    let size = number.checked_mul(1 << shift).ok_or("that is more than there are addresses")?;
    if size < LEAST_HEAP { Err("1M is the least".into()) } else { Ok(size) }
}

/// Where loaded modules are kept.
#[derive(Arguments, Debug)]
pub(crate) struct Cache {
    /// Where loaded modules are kept between runs [default: $PALLAS_DIR, or ~/.pallas]
    #[arg(short = 'd', long, value_name = "STORE")]
    pub(crate) store: Option<PathBuf>,
}

const SIRE: &str = "\
If PALLAS_STATISTICS is set, the last line on standard error says what the session cost once the
modules were loaded: times in nanoseconds (elapsed; of the processor for all threads, for the one
that evaluates, for compiling), sizes in bytes.
PALLAS_JIT_PRINT=LAW prints what becomes of a law (of all: *), PALLAS_JIT_WITHOUT=PASS,.. leaves
passes of the compiler out.";

/// `pallas sire`.
#[derive(Arguments, Debug)]
pub(crate) struct Sire {
    #[command(flatten)]
    pub(crate) cache: Cache,
    #[command(flatten)]
    pub(crate) matching: Matching,
    #[command(flatten)]
    pub(crate) memory: Memory,
    /// Modules to load first; the names of the last are in scope
    #[arg(value_name = "SIRE")]
    pub(crate) modules: Vec<String>,
}

/// `pallas save`.
#[derive(Arguments, Debug)]
pub(crate) struct Save {
    #[command(flatten)]
    pub(crate) cache: Cache,
    #[command(flatten)]
    pub(crate) matching: Matching,
    /// The seed file to write
    #[arg(value_name = "SEED")]
    pub(crate) seed: PathBuf,
    /// The module whose `main` is saved
    #[arg(value_name = "SIRE")]
    pub(crate) module: String,
}

/// `pallas show`.
#[derive(Arguments, Debug)]
pub(crate) struct Show {
    /// The seed file to print
    #[arg(value_name = "SEED")]
    pub(crate) seed: PathBuf,
}

/// `pallas repl`.
#[derive(Arguments, Debug)]
pub(crate) struct Repl {
    #[command(flatten)]
    pub(crate) matching: Matching,
    #[command(flatten)]
    pub(crate) memory: Memory,
    /// The seed file of the program: a function from a bar of input to a row of a bar of output and
    /// the next function
    #[arg(value_name = "SEED")]
    pub(crate) seed: PathBuf,
    /// Where to write the program's output
    #[arg(long = "save", value_name = "OUTPUT_FILE", default_value = "/dev/null")]
    pub(crate) output: PathBuf,
}

/// How a machine is run.
#[derive(Arguments, Debug)]
pub(crate) struct Machine {
    #[command(flatten)]
    pub(crate) matching: Matching,
    #[command(flatten)]
    pub(crate) memory: Memory,
    /// How many snapshots to keep, at least 2
    #[arg(long, value_name = "COUNT", default_value_t = 3)]
    #[arg(value_parser = clap::value_parser!(u16).range(2..))]
    pub(crate) keep_snapshots: u16,
    /// Write no snapshots: the next start replays everything
    #[arg(short = 'S', long)]
    pub(crate) disable_snapshots: bool,
    /// How many jobs may run at the same time
    #[arg(short = 'w', long, value_name = "NUM_WORKERS", default_value_t = 8)]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) eval_workers: u16,
}

/// `pallas boot`.
#[derive(Arguments, Debug)]
pub(crate) struct Boot {
    #[command(flatten)]
    pub(crate) machine: Machine,
    #[command(flatten)]
    pub(crate) cache: Modules,
    /// Start the machine at once
    #[arg(long)]
    pub(crate) start: bool,
    /// Where the machine will live: a folder that does not exist yet, or is empty
    #[arg(value_name = "STORE")]
    pub(crate) store: PathBuf,
    /// The module whose `main` is the machine's first state
    #[arg(value_name = "SIRE")]
    pub(crate) module: String,
}

/// Where `boot` keeps loaded modules; `STORE` is taken by the machine.
#[derive(Arguments, Debug)]
pub(crate) struct Modules {
    /// Where loaded modules are kept between runs [default: $PALLAS_DIR, or ~/.pallas]
    #[arg(long, value_name = "DIR")]
    pub(crate) modules: Option<PathBuf>,
}

/// `pallas start`.
#[derive(Arguments, Debug)]
pub(crate) struct Start {
    #[command(flatten)]
    pub(crate) machine: Machine,
    /// Replay the log from its beginning, and check it on the way
    #[arg(long)]
    pub(crate) replay_all: bool,
    /// Where the machine lives
    #[arg(value_name = "STORE")]
    pub(crate) store: PathBuf,
}

/// `pallas check`.
#[derive(Arguments, Debug)]
pub(crate) struct Check {
    /// Where the machine lives
    #[arg(value_name = "STORE")]
    pub(crate) store: PathBuf,
}

/// `pallas du`.
#[derive(Arguments, Debug)]
pub(crate) struct Du {
    /// Print JSON: an object with the keys log, spare, pins, catalogue, index, shared, garbage and snapshots
    #[arg(long)]
    pub(crate) json: bool,
    /// Where the machine lives
    #[arg(value_name = "STORE")]
    pub(crate) store: PathBuf,
}

/// `pallas gc`.
#[derive(Arguments, Debug)]
pub(crate) struct Gc {
    /// Tell what would go, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Where the machine lives
    #[arg(value_name = "STORE")]
    pub(crate) store: PathBuf,
}

/// `pallas export`.
#[derive(Arguments, Debug)]
pub(crate) struct Export {
    /// Where the machine lives
    #[arg(value_name = "STORE")]
    pub(crate) store: PathBuf,
    /// The file to write, which must not exist
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}

/// `pallas import`.
#[derive(Arguments, Debug)]
pub(crate) struct Import {
    /// The file that `pallas export` wrote
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Where the machine will live: a folder that does not exist yet, or is empty
    #[arg(value_name = "STORE")]
    pub(crate) store: PathBuf,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_declarations_are_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn sizes_are_numbers_with_a_unit() {
        assert_eq!(size("4G"), Ok(4 << 30));
        assert_eq!(size("1m"), Ok(1 << 20));
        assert_eq!(size("2097152"), Ok(2 << 20));
        for bad in ["", "G", "4x", "-1M", "3K", "99999999999T", "4é"] {
            assert!(size(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_prototype_s_calls_are_understood() {
        for line in [
            "pallas sire",
            "pallas sire -d /tmp/x sire/prelude.sire",
            "pallas save out.seed sire/foo.sire",
            "pallas show out.seed",
            "pallas repl --save log out.seed",
            "pallas boot -S -w 4 --start /tmp/counter sire/demo_count_up.sire",
            "pallas start --replay-all --eval-workers 2 /tmp/counter",
            "pallas start -M /tmp/counter",
            "pallas start -f /tmp/counter",
            "pallas boot --law-fallback-warn /tmp/counter sire/demo_count_up.sire",
            "pallas sire -F sire/prelude.sire",
            "pallas repl --law-fallback-crash out.seed",
            "pallas sire --jet-mismatch-crash sire/prelude.sire",
        ] {
            let parsed = Args::try_parse_from(line.split(' '));
            assert!(parsed.is_ok(), "{line}: {:?}", parsed.err());
        }
    }
}
