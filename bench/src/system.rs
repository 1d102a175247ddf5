//! The systems that are compared, and how each compiles and runs a program.

use crate::program::{self, Program};
use anyhow::{Context, Result, bail};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A system that runs programs.
pub(crate) struct System {
    pub(crate) name: String,
    language: Language,
    scratch: PathBuf,
}

/// The language of a system's programs, and how `pallas` runs them.
enum Language {
    Sire {
        binary: PathBuf,
        flags: Vec<String>,
        /// The passes that the compiler leaves out.
        without: &'static str,
        /// Whether the cache of machine code is emptied before each run.
        clears_code_cache: bool,
    },
    /// The prototype, with the folder of its checkout, which has its library in `sire`.
    Prototype {
        binary: PathBuf,
        checkout: PathBuf,
    },
    Chez,
    Ghc,
    C,
}

impl System {
    fn new(name: &str, language: Language, scratch: &Path) -> Result<System> {
        let scratch = scratch.join(name);
        std::fs::create_dir_all(&scratch)?;
        Ok(System { name: name.to_owned(), language, scratch })
    }

    /// Whether this is `pallas`.
    pub(crate) fn is_pallas(&self) -> bool {
        matches!(self.language, Language::Sire { .. })
    }

    /// Whether this is the prototype.
    pub(crate) fn is_prototype(&self) -> bool {
        matches!(self.language, Language::Prototype { .. })
    }

    /// Whether the ratios of `pallas` refer to this system: Chez and GHC, as functional languages.
    /// C only shows what the machine can do.
    pub(crate) fn is_reference(&self) -> bool {
        matches!(self.language, Language::Chez | Language::Ghc)
    }

    /// Compiles a program, if this system compiles beforehand.
    ///
    /// # Errors
    /// If it does not compile.
    pub(crate) fn prepare(&self, program: &Program) -> Result<()> {
        let output = self.scratch.join(&program.name);
        let clocks = program::folder();
        let mut command = match (&self.language, self.source(program)) {
            (Language::Ghc, Some(source)) => {
                let mut ghc = Command::new("ghc");
                ghc.args(["-O2", "-v0", "-outputdir"]).arg(output.with_extension("objects"));
                ghc.arg(source).arg("-o").arg(&output).current_dir(clocks);
                ghc
            }
            (Language::C, Some(source)) => {
                let mut cc = Command::new("cc");
                cc.arg("-O2").arg("-I").arg(clocks).arg(&source);
                cc.arg("-o").arg(&output);
                cc
            }
            (Language::Chez, Some(source)) => {
                let (source, output) = (source.display(), output.with_extension("so"));
                let text = format!("(compile-file {source:?} {:?})", output.display());
                let build = output.with_extension("build");
                std::fs::write(&build, text)?;
                let mut scheme = Command::new("scheme");
                scheme.args(["--optimize-level", "2", "--script"]).arg(build);
                scheme.current_dir(clocks).stdout(Stdio::null());
                scheme
            }
            _ => return Ok(()),
        };
        let status = command.status().with_context(|| format!("cannot run {command:?}"))?;
        if !status.success() {
            bail!("{} does not compile with {}", program.name, self.name);
        }
        Ok(())
    }

    /// The command that runs a program. None if the program has no source for this system.
    ///
    /// # Errors
    /// If the source cannot be opened, or the cache of machine code cannot be deleted.
    pub(crate) fn command(&self, program: &Program) -> Result<Option<Command>> {
        let Some(source) = self.source(program) else { return Ok(None) };
        let mut command = match &self.language {
            Language::Sire { binary, flags, without, clears_code_cache } => {
                for code_cache in ["native", "native-laws"].map(|name| self.scratch.join(name)) {
                    if *clears_code_cache && code_cache.exists() {
                        std::fs::remove_dir_all(code_cache)?;
                    }
                }
                let mut pallas = Command::new(binary);
                pallas.arg("sire").args(flags).arg("prelude");
                // Each system has its own cache, and no library but the built-in one.
                pallas.env("PALLAS_DIR", &self.scratch).current_dir(&self.scratch);
                pallas.env("PALLAS_STATISTICS", "1").env("PALLAS_JIT_WITHOUT", without);
                pallas.stdin(File::open(&source)?);
                pallas
            }
            Language::Prototype { binary, checkout } => {
                let mut prototype = Command::new(binary);
                prototype.args(["sire", "prelude"]).current_dir(checkout);
                prototype.env("PLUNDER_DIR", &self.scratch).stdin(File::open(&source)?);
                prototype
            }
            Language::Chez => {
                let mut scheme = Command::new("scheme");
                scheme.arg("--script").arg(self.scratch.join(&program.name).with_extension("so"));
                scheme
            }
            Language::Ghc | Language::C => Command::new(self.scratch.join(&program.name)),
        };
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        Ok(Some(command))
    }

    fn source(&self, program: &Program) -> Option<PathBuf> {
        program.source(match self.language {
            Language::Sire { .. } | Language::Prototype { .. } => "sire",
            Language::Chez => "ss",
            Language::Ghc => "hs",
            Language::C => "c",
        })
    }
}

/// All systems that are installed: first `pallas` with cached machine code, then without (`first
/// run`), then its variants, then the others.
///
/// # Errors
/// If a variant is not `NAME=FLAGS`, or the scratch folder cannot be written.
pub(crate) fn all(pallas: &Path, variants: &[String], scratch: &Path) -> Result<Vec<System>> {
    let pallas_with = |flags, clears_code_cache| {
        let binary = pallas.to_owned();
        Language::Sire { binary, flags, without: "", clears_code_cache }
    };
    let mut systems = vec![System::new("pallas", pallas_with(Vec::new(), false), scratch)?];
    systems.push(System::new("first run", pallas_with(Vec::new(), true), scratch)?);
    for variant in variants {
        let (name, flags) = variant.split_once('=').context("a variant is NAME=FLAGS")?;
        let flags = flags.split_whitespace().map(str::to_owned).collect();
        systems.push(System::new(name, pallas_with(flags, false), scratch)?);
    }
    for (name, tool, package, language) in [
        ("chez", "scheme", "chezscheme", Language::Chez),
        ("ghc", "ghc", "ghc", Language::Ghc),
        ("c", "cc", "build-essential", Language::C),
    ] {
        if is_installed(tool) {
            systems.push(System::new(name, language, scratch)?);
        } else {
            eprintln!("{name} is left out: {tool} is not installed (apt-get install {package})");
        }
    }
    Ok(systems)
}

/// `pallas` with all passes of its compiler, without each pass, and without all.
///
/// # Errors
/// If the scratch folder cannot be written.
pub(crate) fn without_passes(pallas: &Path, scratch: &Path) -> Result<Vec<System>> {
    let passes = jit::passes::Pass::ALL.iter().map(|pass| pass.name());
    let all = [("pallas", "")].into_iter().chain(passes.map(|name| (name, name)));
    let more = ["expect", "all"].map(|name| (name, name));
    let one = |(name, without)| {
        let binary = pallas.to_owned();
        let language =
            Language::Sire { binary, flags: Vec::new(), without, clears_code_cache: true };
        System::new(name, language, scratch)
    };
    all.chain(more).map(one).collect()
}

/// The prototype. The environment variable `PALLAS_REFERENCE` names its checkout, for its library.
///
/// # Errors
/// If the binary or the library does not exist, or the scratch folder cannot be written.
pub(crate) fn prototype(binary: &Path, scratch: &Path) -> Result<System> {
    let binary = binary
        .canonicalize()
        .with_context(|| format!("cannot find the prototype {}", binary.display()))?;
    let checkout = std::env::var_os("PALLAS_REFERENCE").map(PathBuf::from);
    let checkout = checkout.context("set PALLAS_REFERENCE to a checkout of the prototype")?;
    let library = checkout.join("sire");
    if !library.is_dir() {
        bail!("the prototype's library is not in {}", library.display());
    }
    System::new("prototype", Language::Prototype { binary, checkout }, scratch)
}

/// `pallas` with the compiler, with its code in the cache and on a first run, and without.
///
/// # Errors
/// If the scratch folder cannot be written.
pub(crate) fn with_and_without_compiler(pallas: &Path, scratch: &Path) -> Result<[System; 3]> {
    let pallas_with = |name: &str, flags: &[&str], clears_code_cache| {
        let flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
        let language =
            Language::Sire { binary: pallas.to_owned(), flags, without: "", clears_code_cache };
        System::new(name, language, scratch)
    };
    Ok([
        pallas_with("pallas", &[], false)?,
        pallas_with("first run", &[], true)?,
        pallas_with("--no-jit", &["--no-jit"], false)?,
    ])
}

fn is_installed(tool: &str) -> bool {
    let mut command = Command::new(tool);
    command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
