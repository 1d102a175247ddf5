//! The settings: defaults of options that a user or a project may change, and where each value comes
//! from.
//!
//! [`SETTINGS`] declares them once. The help of an option, `pallas config`, the keys of the files and
//! the variables of the environment are derived from it. A value is checked when it is read, so that
//! an error names the place.
//!
//! A setting of an option becomes the option's default ([`Config::apply`]), so a value on the command
//! line has priority. Code asks [`current`] for the others.

use crate::args::{CompileWhen, KeepRule, TimeLimit, Verbosity, byte_size, memory_size};
use clap::ValueEnum;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use toml::Spanned;

/// The file of a project.
pub(crate) const PROJECT_FILE: &str = ".pallas.toml";

/// The size of the text that is shown of a value on a terminal, in bytes.
pub(crate) const TERMINAL_PRINT_LIMIT: u64 = 256 << 10;

/// A setting.
pub(crate) struct Setting {
    /// Its key in files.
    pub(crate) key: &'static str,
    /// Its variable in the environment.
    pub(crate) variable: &'static str,
    /// The option whose default it is, by its name in the declarations; none if code asks for it.
    option: Option<&'static str>,
    /// The default.
    default: fn() -> String,
    /// Checks a value.
    check: fn(&str) -> Result<(), String>,
    /// Whether a project may set it. Files in the cache are trusted.
    in_project: bool,
}

const fn setting(
    key: &'static str,
    variable: &'static str,
    option: Option<&'static str>,
    default: fn() -> String,
    check: fn(&str) -> Result<(), String>,
) -> Setting {
    Setting { key, variable, option, default, check, in_project: true }
}

/// All settings, in the order in which they are shown.
pub(crate) const SETTINGS: &[Setting] = &[
    Setting { in_project: false, ..setting("cache", "PALLAS_DIR", None, home_cache, any_text) },
    setting("verbosity", "PALLAS_VERBOSITY", None, || "normal".into(), one_of::<Verbosity>),
    setting("log", "PALLAS_LOG", None, || "off".into(), crate::tracing_log::check),
    setting("print-limit", "PALLAS_PRINT_LIMIT", None, print_limit, |text| {
        byte_size(text, 1).map(drop)
    }),
    setting("jit", "PALLAS_JIT", Some("jit"), || "tiered".into(), one_of::<CompileWhen>),
    setting("max-heap", "PALLAS_MAX_HEAP", Some("max_heap"), max_heap, a_memory_size),
    setting("max-stack", "PALLAS_MAX_STACK", Some("max_stack"), max_stack, a_memory_size),
    setting("event-limit", "PALLAS_EVENT_LIMIT", Some("event_limit"), seconds_30, a_time_limit),
    setting("read-limit", "PALLAS_READ_LIMIT", Some("read_limit"), seconds_30, a_time_limit),
    setting("driver-limit", "PALLAS_DRIVER_LIMIT", Some("driver_limit"), seconds_30, a_time_limit),
    setting("job-limit", "PALLAS_JOB_LIMIT", Some("job_limit"), || "none".into(), a_time_limit),
    setting(
        "keep",
        "PALLAS_KEEP",
        Some("keep"),
        || "3".into(),
        |text| text.parse::<KeepRule>().map(drop),
    ),
    setting("eval-workers", "PALLAS_EVAL_WORKERS", Some("eval_workers"), || "8".into(), a_count),
    setting("driver-threads", "PALLAS_DRIVER_THREADS", Some("driver_threads"), threads, a_count),
];

fn home_cache() -> String {
    let home = std::env::var("HOME").ok().filter(|home| !home.is_empty());
    home.map_or_else(String::new, |home| format!("{home}/.pallas"))
}

fn print_limit() -> String {
    let bytes = match io::stdout().is_terminal() {
        true => TERMINAL_PRINT_LIMIT,
        false => show::PrintLimit::DEFAULT.bytes,
    };
    size_text(bytes)
}

fn max_heap() -> String {
    size_text(plan::HeapOptions::default().max_heap as u64)
}

fn max_stack() -> String {
    size_text(plan::HeapOptions::default().max_stack as u64)
}

fn seconds_30() -> String {
    "30s".into()
}

fn threads() -> String {
    std::thread::available_parallelism().map_or(2, |count| count.get().max(2)).to_string()
}

/// A number of bytes with a unit, if it is a whole number of them.
fn size_text(bytes: u64) -> String {
    let units = [(40, "T"), (30, "G"), (20, "M"), (10, "K")];
    let whole = units.into_iter().find(|(shift, _)| bytes > 0 && bytes.is_multiple_of(1 << shift));
    whole.map_or_else(|| bytes.to_string(), |(shift, unit)| format!("{}{unit}", bytes >> shift))
}

fn any_text(text: &str) -> Result<(), String> {
    if text.is_empty() { Err("expected a directory".into()) } else { Ok(()) }
}

fn one_of<T: ValueEnum>(text: &str) -> Result<(), String> {
    T::from_str(text, false).map(drop).map_err(|_| {
        let values = T::value_variants().iter().filter_map(ValueEnum::to_possible_value);
        let names: Vec<String> = values.map(|value| value.get_name().to_owned()).collect();
        format!("expected one of {}", names.join(", "))
    })
}

fn a_memory_size(text: &str) -> Result<(), String> {
    memory_size(text).map(drop)
}

fn a_time_limit(text: &str) -> Result<(), String> {
    text.parse::<TimeLimit>().map(drop)
}

fn a_count(text: &str) -> Result<(), String> {
    let count = text.parse::<u16>().ok().filter(|count| (1..=1024).contains(count));
    count.map(drop).ok_or_else(|| "expected a number from 1 to 1024".into())
}

/// Where the value of a setting comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum SettingSource {
    Default,
    /// A file, and the line.
    File(PathBuf, usize),
    /// A variable of the environment.
    Variable(&'static str),
}

impl fmt::Display for SettingSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SettingSource::Default => f.write_str("default"),
            SettingSource::File(path, line) => write!(f, "{}:{line}", path.display()),
            SettingSource::Variable(name) => write!(f, "environment: {name}"),
        }
    }
}

/// A value and its source, as `pallas config` shows them.
#[derive(Serialize)]
pub(crate) struct EffectiveSetting {
    pub(crate) key: &'static str,
    pub(crate) value: String,
    pub(crate) source: String,
    pub(crate) variable: &'static str,
}

/// The settings that are not the defaults.
#[derive(Default, Debug)]
pub(crate) struct Config {
    values: BTreeMap<&'static str, (String, SettingSource)>,
    /// The files that were looked for, and whether they exist.
    pub(crate) files: Vec<(PathBuf, bool)>,
}

static CURRENT: OnceLock<Config> = OnceLock::new();

/// The settings of this process.
pub(crate) fn current() -> &'static Config {
    CURRENT.get_or_init(Config::default)
}

/// Makes these the settings of this process. Only the first call has an effect.
pub(crate) fn set_current(config: Config) {
    // There is one call, before anything asks.
    let _ = CURRENT.set(config);
}

impl Config {
    /// Reads the files and the environment.
    ///
    /// # Errors
    /// The first wrong key or value, with its place.
    pub(crate) fn load() -> Result<Config, String> {
        let mut config = Config::default();
        if let Some(path) = user_file() {
            config.read_file(&path, |_| true)?;
        }
        if let Ok(directory) = std::env::current_dir() {
            let files = directory.ancestors().map(|directory| directory.join(PROJECT_FILE));
            let nearest = files.clone().find(|file| file.exists());
            let path = nearest.unwrap_or_else(|| directory.join(PROJECT_FILE));
            config.read_file(&path, |setting| setting.in_project)?;
        }
        for setting in SETTINGS {
            let Some(value) = std::env::var_os(setting.variable).filter(|text| !text.is_empty())
            else {
                continue;
            };
            let shown = value.to_string_lossy().into_owned();
            let text = value.into_string().map_err(|_| "expected UTF-8".to_owned());
            let checked = text.and_then(|text| (setting.check)(&text).map(|()| text));
            let text = checked.map_err(|error| format!("{}={shown}: {error}", setting.variable))?;
            config.values.insert(setting.key, (text, SettingSource::Variable(setting.variable)));
        }
        Ok(config)
    }

    fn read_file(&mut self, path: &Path, may_set: fn(&Setting) -> bool) -> Result<(), String> {
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.files.push((path.into(), false));
                return Ok(());
            }
            Err(error) => return Err(format!("cannot read {}: {error}", path.display())),
        };
        self.files.push((path.into(), true));
        let values = file_values(&bytes, may_set);
        let values =
            values.map_err(|(line, error)| format!("{}:{line}: {error}", path.display()))?;
        for (key, value, line) in values {
            self.values.insert(key, (value, SettingSource::File(path.into(), line)));
        }
        Ok(())
    }

    /// The value of a setting, unless it is the default.
    pub(crate) fn value(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(|(value, _)| value.as_str())
    }

    /// All settings with their values.
    pub(crate) fn effective(&self) -> impl Iterator<Item = EffectiveSetting> + '_ {
        SETTINGS.iter().map(|setting| {
            let default = || ((setting.default)(), SettingSource::Default);
            let (value, source) = self.values.get(setting.key).cloned().unwrap_or_else(default);
            let source = source.to_string();
            EffectiveSetting { key: setting.key, value, source, variable: setting.variable }
        })
    }

    /// Makes the values the defaults of the options of all commands.
    pub(crate) fn apply(&self, mut command: clap::Command) -> clap::Command {
        let names: Vec<String> =
            command.get_subcommands().map(|command| command.get_name().to_owned()).collect();
        for setting in SETTINGS {
            let (Some(option), Some(value)) = (setting.option, self.value(setting.key)) else {
                continue;
            };
            let value = value.to_owned();
            for name in &names {
                command = command.mut_subcommand(name, |subcommand| {
                    let mut arguments = subcommand.get_arguments();
                    if !arguments.any(|argument| argument.get_id() == option) {
                        drop(arguments);
                        return subcommand;
                    }
                    drop(arguments);
                    subcommand.mut_arg(option, |argument| argument.default_value(value.clone()))
                });
            }
        }
        command
    }
}

/// The file of the user's settings. None if no home directory is known.
fn user_file() -> Option<PathBuf> {
    let directory = |name| std::env::var_os(name).map(PathBuf::from).filter(|it| it.is_absolute());
    let config = directory("XDG_CONFIG_HOME");
    let config = config.or_else(|| directory("HOME").map(|home| home.join(".config")));
    config.map(|config| config.join("pallas").join("config.toml"))
}

/// The keys, values and lines of a file.
type FileValues = Vec<(&'static str, String, usize)>;

/// Parses a file. An error has the line.
fn file_values(bytes: &[u8], may_set: fn(&Setting) -> bool) -> Result<FileValues, (usize, String)> {
    let text = std::str::from_utf8(bytes).map_err(|_| (1, "expected UTF-8".to_owned()))?;
    let line_at = |offset: usize| text[..offset.min(text.len())].matches('\n').count() + 1;
    let table: BTreeMap<Spanned<String>, Spanned<toml::Value>> =
        toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(1, |span| line_at(span.start));
            (line, error.message().to_owned())
        })?;
    let mut values = FileValues::new();
    for (key, value) in table {
        let line = line_at(key.span().start);
        let setting = SETTINGS.iter().find(|setting| setting.key == key.get_ref());
        let setting = setting.ok_or_else(|| {
            let keys: Vec<&str> = SETTINGS.iter().map(|setting| setting.key).collect();
            let key = key.get_ref();
            (line, format!("the key `{key}` is unknown; the keys are {}", keys.join(", ")))
        })?;
        if !may_set(setting) {
            let problem = "can only be set by the user, not by a project";
            return Err((line, format!("the key `{}` {problem}", setting.key)));
        }
        let text = match value.into_inner() {
            toml::Value::String(text) => text,
            toml::Value::Integer(number) => number.to_string(),
            _ => return Err((line, format!("{}: expected a text or a number", setting.key))),
        };
        (setting.check)(&text).map_err(|error| (line, format!("{}: {error}", setting.key)))?;
        values.push((setting.key, text, line));
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::CommandLine;
    use clap::{CommandFactory, FromArgMatches};

    fn values(text: &str) -> Result<FileValues, (usize, String)> {
        file_values(text.as_bytes(), |setting| setting.in_project)
    }

    #[test]
    fn a_file_has_texts_and_numbers() {
        let found = values("# mine\nmax-heap = \"4G\"\n\neval-workers = 4\n").expect("it is right");
        assert_eq!(found.len(), 2);
        assert!(found.contains(&("max-heap", "4G".into(), 2)));
        assert!(found.contains(&("eval-workers", "4".into(), 4)));
    }

    #[test]
    fn errors_name_the_line() {
        for (text, line, part) in [
            ("\nmax-heep = 1\n", 2, "`max-heep` is unknown; the keys are cache, verbosity,"),
            ("max-heap = \"lots\"\n", 1, "max-heap: expected a number"),
            ("\n\nkeep = [3]\n", 3, "keep: expected a text or a number"),
            ("cache = \"/tmp\"\n", 1, "only be set by the user"),
            ("jit = \"never\"\n", 1, "jit: expected one of off, tiered, eager"),
            ("eval-workers = 0\n", 1, "from 1 to 1024"),
            ("keep = 3\nkeep 4\n", 2, ""),
            ("[start]\nkeep = 3\n", 1, "`start` is unknown"),
        ] {
            let (found, error) = values(text).expect_err("it is wrong");
            assert_eq!(found, line, "{text}: {error}");
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn settings_are_defaults_of_options() {
        let mut config = Config::default();
        let source = SettingSource::Default;
        config.values.insert("event-limit", ("5s".into(), source.clone()));
        config.values.insert("jit", ("off".into(), source));
        let limit = |line: &str| {
            let command = config.apply(CommandLine::command());
            let matches = command.try_get_matches_from(line.split(' ')).expect("it is right");
            let parsed = CommandLine::from_arg_matches(&matches).expect("it is right");
            match parsed.command {
                crate::args::Command::Start(start) => {
                    let mode = start.machine.evaluation.execution.compiler.mode();
                    (start.machine.time.event_limit.to_string(), mode)
                }
                _ => panic!("start"),
            }
        };
        let (off, eager) = (jit::CompileMode::Off, jit::CompileMode::Eager);
        assert_eq!(limit("pallas start store"), ("5s".into(), off));
        assert_eq!(limit("pallas start --jit eager store"), ("5s".into(), eager));
        assert_eq!(limit("pallas start --no-jit --event-limit 7s store"), ("7s".into(), off));
    }

    #[test]
    fn every_option_with_a_setting_exists() {
        let command = CommandLine::command();
        for setting in SETTINGS {
            (setting.check)(&(setting.default)()).expect(setting.key);
            let Some(option) = setting.option else { continue };
            let has = |command: &clap::Command| {
                command.get_arguments().any(|argument| argument.get_id() == option)
            };
            assert!(command.get_subcommands().any(has), "{option}");
        }
    }

    #[test]
    fn sizes_have_the_largest_whole_unit() {
        assert_eq!(size_text(4 << 30), "4G");
        assert_eq!(size_text(1536 << 20), "1536M");
        assert_eq!(size_text(1000), "1000");
    }
}
