//! The options that several commands share: how laws run, their limits, the cache, the profile.

use clap::{Args, ValueEnum};
use jiff::SignedDuration;
use profile::ProfileDetail;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// Options of the compiler from laws to machine code.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(crate) struct CompilerOptions {
    /// Do not compile laws: interpret everything
    #[arg(long, conflicts_with = "jit")]
    no_jit: bool,
    /// When laws are compiled
    #[arg(long, value_enum, value_name = "WHEN", default_value_t)]
    jit: CompileWhen,
}

/// When laws are compiled.
#[derive(ValueEnum, Clone, Copy, Debug, Default)]
pub(crate) enum CompileWhen {
    /// Never, as with --no-jit
    Off,
    /// After many calls, in the background
    #[default]
    Tiered,
    /// Before their first call (slow; for tests)
    Eager,
}

impl CompilerOptions {
    /// The compiler's mode.
    pub(crate) fn mode(self) -> jit::CompileMode {
        match self.jit {
            _ if self.no_jit => jit::CompileMode::Off,
            CompileWhen::Off => jit::CompileMode::Off,
            CompileWhen::Tiered => jit::CompileMode::Tiered,
            CompileWhen::Eager => jit::CompileMode::Eager,
        }
    }
}

/// How laws are executed: by the compiler, by jets, or by the interpreter.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(crate) struct ExecutionOptions {
    #[command(flatten)]
    pub(crate) compiler: CompilerOptions,
    /// Print a warning to standard error when a jet leaves a call to its law
    #[arg(short = 'f', long)]
    pub(crate) law_fallback_warn: bool,
    /// Crash the evaluation when a jet would leave a call to its law
    #[arg(short = 'F', long)]
    pub(crate) law_fallback_crash: bool,
    /// Exit if a law has the name of a jet's law but not its hash
    #[arg(short = 'M', long)]
    pub(crate) jet_mismatch_crash: bool,
}

impl ExecutionOptions {
    /// The options as arguments of another command.
    pub(crate) fn arguments(self) -> Vec<String> {
        let ExecutionOptions {
            compiler,
            law_fallback_warn,
            law_fallback_crash,
            jet_mismatch_crash,
        } = self;
        let mode = match compiler.jit {
            _ if compiler.no_jit => "off",
            CompileWhen::Off => "off",
            CompileWhen::Tiered => "tiered",
            CompileWhen::Eager => "eager",
        };
        let flags = [
            (law_fallback_warn, "--law-fallback-warn"),
            (law_fallback_crash, "--law-fallback-crash"),
            (jet_mismatch_crash, "--jet-mismatch-crash"),
        ];
        let flags = flags.iter().filter(|(is_set, _)| *is_set).map(|(_, flag)| *flag);
        ["--jit", mode].into_iter().chain(flags).map(str::to_owned).collect()
    }
}

/// How laws run, and how much memory they get.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(crate) struct EvaluationOptions {
    #[command(flatten)]
    pub(crate) execution: ExecutionOptions,
    #[command(flatten)]
    pub(crate) memory: MemoryOptions,
}

impl EvaluationOptions {
    /// The options as arguments of another command.
    pub(crate) fn arguments(self) -> Vec<String> {
        [self.execution.arguments(), self.memory.arguments()].concat()
    }
}

/// The profile of a run.
#[derive(Args, Debug)]
pub(crate) struct ProfileOptions {
    /// Write to this file when which thread did what: evaluations, collections, compilations, the
    /// modules of a session; the events, jobs, commits and snapshots of a machine. The file has the
    /// Chrome trace format, which https://ui.perfetto.dev shows
    #[arg(short = 'p', long, value_name = "PROF_FILE")]
    pub(crate) profile_output: Option<PathBuf>,
    /// In the profile, also write which law runs when, if it takes 5 microseconds or more. Laws are
    /// interpreted then, not compiled, so the run is slower; native implementations of laws still
    /// run, as part of the laws that call them
    #[arg(short = 'P', long)]
    pub(crate) profile_laws: bool,
}

impl ProfileOptions {
    /// What the profile has spans of.
    pub(crate) fn detail(&self) -> ProfileDetail {
        if self.profile_laws { ProfileDetail::Laws } else { ProfileDetail::Phases }
    }
}

/// Limits on the memory of an evaluation.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(crate) struct MemoryOptions {
    /// Heap limit: bytes, or a number with K, M, G or T; at least 1M. An evaluation ends when its
    /// live data exceeds three quarters of the limit. Pins in a machine's store do not count. In a
    /// machine it holds for the cog, for each driver and for each job [default: a quarter of the
    /// memory]
    #[arg(long, value_name = "SIZE", value_parser = memory_size)]
    max_heap: Option<usize>,
    /// Stack limit of an evaluation: bytes, or a number with K, M, G or T; at least 1M [default: an
    /// eighth of the memory]
    #[arg(long, value_name = "SIZE", value_parser = memory_size)]
    max_stack: Option<usize>,
}

impl MemoryOptions {
    /// The options as arguments of another command.
    pub(crate) fn arguments(self) -> Vec<String> {
        let options = [("--max-heap", self.max_heap), ("--max-stack", self.max_stack)];
        let set = options.into_iter().filter_map(|(name, size)| Some((name, size?.to_string())));
        set.flat_map(|(name, size)| [name.to_owned(), size]).collect()
    }

    /// The options of a heap with this limit.
    pub(crate) fn heap(self) -> plan::HeapOptions {
        let options = plan::HeapOptions::default();
        let max_heap = self.max_heap.unwrap_or(options.max_heap);
        let max_stack = self.max_stack.unwrap_or(options.max_stack);
        plan::HeapOptions { max_heap, max_stack, ..options }
    }
}

/// The smallest limit, in bytes. A smaller heap cannot hold the library.
const MIN_SIZE: usize = 1 << 20;

/// A limit of CPU time. None: no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimeLimit(pub(crate) Option<Duration>);

impl FromStr for TimeLimit {
    type Err = String;

    /// Parses a duration with a unit, such as `90s` or `1h 30m`, or `none`.
    fn from_str(text: &str) -> Result<TimeLimit, String> {
        if text == "none" {
            return Ok(TimeLimit(None));
        }
        let duration = text.parse::<SignedDuration>().ok();
        let duration = duration.and_then(|duration| Duration::try_from(duration).ok());
        match duration.filter(|duration| !duration.is_zero()) {
            Some(duration) => Ok(TimeLimit(Some(duration))),
            None => Err("expected a duration above 0, such as 500ms, 30s or 5m, or none".into()),
        }
    }
}

impl fmt::Display for TimeLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.map(SignedDuration::try_from) {
            Some(Ok(duration)) => write!(f, "{duration:#}"),
            // A duration from the command line always fits.
            Some(Err(_)) | None => f.write_str("none"),
        }
    }
}

/// Limits on the CPU time of the evaluations of a machine.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct TimeOptions {
    /// CPU time that one event may take, such as 500ms, 30s or 5m; or none. An event that exceeds
    /// it, or a limit of memory, has not happened: its inputs are tried one by one, and an input
    /// that exceeds a limit by itself is set aside. A replay has no time limit
    #[arg(long, value_name = "TIME", default_value = "30s")]
    pub(crate) event_limit: TimeLimit,
    /// CPU time that the answer to a read of a driver may take; or none. A driver whose read
    /// exceeds it begins anew
    #[arg(long, value_name = "TIME", default_value = "30s")]
    pub(crate) read_limit: TimeLimit,
    /// CPU time that one call of a driver may take; or none. A driver that exceeds it begins anew
    #[arg(long, value_name = "TIME", default_value = "30s")]
    pub(crate) driver_limit: TimeLimit,
    /// CPU time that a job may take; or none. A job that exceeds it gives no value
    #[arg(long, value_name = "TIME", default_value = "none")]
    pub(crate) job_limit: TimeLimit,
}

impl TimeOptions {
    /// The options as arguments of another command.
    pub(crate) fn arguments(self) -> Vec<String> {
        let TimeOptions { event_limit, read_limit, driver_limit, job_limit } = self;
        let options = [
            ("--event-limit", event_limit),
            ("--read-limit", read_limit),
            ("--driver-limit", driver_limit),
            ("--job-limit", job_limit),
        ];
        options.into_iter().flat_map(|(name, limit)| [name.into(), limit.to_string()]).collect()
    }
}

/// Parses the size of a heap or stack.
pub(crate) fn memory_size(text: &str) -> Result<usize, String> {
    byte_size(text, MIN_SIZE)
}

/// Parses a number of bytes with an optional unit.
pub(crate) fn byte_size(text: &str, min: usize) -> Result<usize, String> {
    let (digits, shift) = match text.char_indices().next_back() {
        Some((at, 'k' | 'K')) => (&text[..at], 10),
        Some((at, 'm' | 'M')) => (&text[..at], 20),
        Some((at, 'g' | 'G')) => (&text[..at], 30),
        Some((at, 't' | 'T')) => (&text[..at], 40),
        _ => (text, 0),
    };
    let number: usize = digits.parse().map_err(|_| "expected a number, such as 512M or 4G")?;
    let size = number.checked_mul(1 << shift).ok_or("larger than the address space")?;
    if size >= min {
        return Ok(size);
    }
    Err(if min == MIN_SIZE { "the minimum is 1M".into() } else { format!("the minimum is {min}") })
}

/// How much of a value is shown.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(crate) struct PrintSize {
    /// Print values whole, however large. Otherwise a value is truncated after 16M of text, or 256K on a
    /// terminal; traces of a machine and values within messages after 8K; PALLAS_PRINT_LIMIT=SIZE
    /// or the setting print-limit sets another limit for all of them
    #[arg(long)]
    pub(crate) full: bool,
}

impl PrintSize {
    /// The options as arguments of another command.
    pub(crate) fn arguments(self) -> &'static [&'static str] {
        if self.full { &["--full"] } else { &[] }
    }
}

/// The cache of loaded modules and compiled code.
#[derive(Args, Debug)]
pub(crate) struct CacheOptions {
    /// Directory of the cache of loaded modules and compiled code [default: $PALLAS_DIR, or
    /// ~/.pallas]
    #[arg(short = 'd', long, value_name = "STORE")]
    pub(crate) store: Option<PathBuf>,
}

/// [`CacheOptions`] of `boot`, where STORE is the machine's directory.
#[derive(Args, Debug)]
pub(crate) struct BootCacheOptions {
    /// Directory of the cache of loaded modules and compiled code [default: $PALLAS_DIR, or
    /// ~/.pallas]
    #[arg(long, value_name = "DIR")]
    pub(crate) modules: Option<PathBuf>,
}
