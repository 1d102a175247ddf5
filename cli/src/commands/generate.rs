//! `generate`: the completions of shells, and the manual pages.

use crate::args::{CommandLine, GenerateArgs};
use anyhow::{Context, Result};
use clap::CommandFactory;
use std::io::{self, Write};

/// Prints completions, or writes manual pages.
pub(crate) fn generate(args: &GenerateArgs) -> Result<()> {
    let mut command = CommandLine::command();
    if let Some(shell) = args.completions {
        let mut text = Vec::new();
        clap_complete::generate(shell, &mut command, "pallas", &mut text);
        io::stdout().write_all(&text).context("cannot write the output")?;
    }
    if let Some(directory) = &args.manual {
        let failed = || format!("cannot write manual pages to {}", directory.display());
        std::fs::create_dir_all(directory).with_context(failed)?;
        clap_mangen::generate_to(command, directory).with_context(failed)?;
    }
    Ok(())
}
