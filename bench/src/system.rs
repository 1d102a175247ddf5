//! The systems that are compared, and how each makes a program ready to run.

use crate::program::{self, Program};
use anyhow::{Context, Result, bail};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Who runs programs.
pub(crate) struct System {
    pub(crate) name: String,
    kind: Kind,
    scratch: PathBuf,
}

enum Kind {
    Pallas { binary: PathBuf, flags: Vec<String>, without: &'static str, forgets: bool },
    Chez,
    Ghc,
    C,
}

impl System {
    fn new(name: &str, kind: Kind, scratch: &Path) -> Result<System> {
        let scratch = scratch.join(name);
        std::fs::create_dir_all(&scratch)?;
        Ok(System { name: name.to_owned(), kind, scratch })
    }

    /// Whether it is a way to run `pallas`.
    pub(crate) fn is_ours(&self) -> bool {
        matches!(self.kind, Kind::Pallas { .. })
    }

    /// Whether `pallas` is measured against it: C shows what the machine can do, the others are
    /// what a functional language does with it.
    pub(crate) fn is_yardstick(&self) -> bool {
        matches!(self.kind, Kind::Chez | Kind::Ghc)
    }

    /// Compiles a program, where that is done beforehand.
    ///
    /// # Errors
    /// If it does not compile.
    pub(crate) fn prepare(&self, program: &Program) -> Result<()> {
        let output = self.scratch.join(&program.name);
        let clocks = program::root();
        let mut command = match (&self.kind, self.source(program)) {
            (Kind::Ghc, Some(source)) => {
                let mut ghc = Command::new("ghc");
                ghc.args(["-O2", "-v0", "-outputdir"]).arg(output.with_extension("objects"));
                ghc.arg(source).arg("-o").arg(&output).current_dir(clocks);
                ghc
            }
            (Kind::C, Some(source)) => {
                let mut cc = Command::new("cc");
                cc.arg("-O2").arg("-I").arg(clocks).arg(&source);
                cc.arg("-o").arg(&output);
                cc
            }
            (Kind::Chez, Some(source)) => {
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

    /// The command that runs a program, if there is a source of it for this system.
    ///
    /// # Errors
    /// If the source cannot be opened, or what a run is to forget cannot be deleted.
    pub(crate) fn command(&self, program: &Program) -> Result<Option<Command>> {
        let Some(source) = self.source(program) else { return Ok(None) };
        let mut command = match &self.kind {
            Kind::Pallas { binary, flags, without, forgets } => {
                let kept = self.scratch.join("native");
                if *forgets && kept.exists() {
                    std::fs::remove_dir_all(kept)?;
                }
                let mut pallas = Command::new(binary);
                pallas.arg("sire").args(flags).arg("prelude");
                // Its own folder of loaded modules, and no library but the one built in.
                pallas.env("PALLAS_DIR", &self.scratch).current_dir(&self.scratch);
                pallas.env("PALLAS_STATISTICS", "1").env("PALLAS_JIT_WITHOUT", without);
                pallas.stdin(File::open(&source)?);
                pallas
            }
            Kind::Chez => {
                let mut scheme = Command::new("scheme");
                scheme.arg("--script").arg(self.scratch.join(&program.name).with_extension("so"));
                scheme
            }
            Kind::Ghc | Kind::C => Command::new(self.scratch.join(&program.name)),
        };
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        Ok(Some(command))
    }

    fn source(&self, program: &Program) -> Option<PathBuf> {
        program.source(match self.kind {
            Kind::Pallas { .. } => "sire",
            Kind::Chez => "ss",
            Kind::Ghc => "hs",
            Kind::C => "c",
        })
    }
}

/// All systems found here: `pallas` first, the same without machine code kept from a run before, then
/// its variants.
///
/// # Errors
/// If a variant is not `NAME=FLAGS`, or the scratch folder cannot be written.
pub(crate) fn all(pallas: &Path, variants: &[String], scratch: &Path) -> Result<Vec<System>> {
    let ours = |flags, forgets| {
        let binary = pallas.to_owned();
        Kind::Pallas { binary, flags, without: "", forgets }
    };
    let mut systems = vec![System::new("pallas", ours(Vec::new(), false), scratch)?];
    systems.push(System::new("first run", ours(Vec::new(), true), scratch)?);
    for variant in variants {
        let (name, flags) = variant.split_once('=').context("a variant is NAME=FLAGS")?;
        let flags = flags.split_whitespace().map(str::to_owned).collect();
        systems.push(System::new(name, ours(flags, false), scratch)?);
    }
    for (name, tool, package, kind) in [
        ("chez", "scheme", "chezscheme", Kind::Chez),
        ("ghc", "ghc", "ghc", Kind::Ghc),
        ("c", "cc", "build-essential", Kind::C),
    ] {
        if is_installed(tool) {
            systems.push(System::new(name, kind, scratch)?);
        } else {
            eprintln!("no {tool} here: apt-get install {package} to compare with it");
        }
    }
    Ok(systems)
}

/// Ways to run `pallas`: as it is, and without each pass of its compiler, and without all.
///
/// # Errors
/// If the scratch folder cannot be written.
pub(crate) fn without_passes(pallas: &Path, scratch: &Path) -> Result<Vec<System>> {
    let passes = jit::passes::Pass::ALL.iter().map(|pass| pass.name());
    let all = [("pallas", "")].into_iter().chain(passes.map(|name| (name, name)));
    let more = ["expect", "all"].map(|name| (name, name));
    let one = |(name, without)| {
        let binary = pallas.to_owned();
        let kind = Kind::Pallas { binary, flags: Vec::new(), without, forgets: true };
        System::new(name, kind, scratch)
    };
    all.chain(more).map(one).collect()
}

fn is_installed(tool: &str) -> bool {
    let mut command = Command::new(tool);
    command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
