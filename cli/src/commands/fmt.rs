//! `fmt`: formats the sources of modules.

use crate::args::FmtArgs;
use crate::source_files::source_files;
use crate::terminal::ExitError;
use crate::write_file::write_atomically;
use anyhow::{Context, Result};
use std::path::Path;

/// Formats files, or lists those that are not formatted.
pub(crate) fn fmt(args: &FmtArgs) -> Result<()> {
    let mut is_wrong = false;
    for path in source_files(&args.paths)? {
        match format(&path, args.check) {
            Ok(is_formatted) => is_wrong |= args.check && !is_formatted,
            Err(error) => {
                eprintln!("pallas: {error:#}");
                is_wrong = true;
            }
        }
    }
    // The files have been listed.
    if is_wrong { Err(ExitError { code: 1, message: None }.into()) } else { Ok(()) }
}

/// Formats a file, unless it is only to be checked. Returns whether it was formatted before.
fn format(path: &Path, is_check: bool) -> Result<bool> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let name = path.display().to_string();
    let text = rex::decode(&bytes, &name)?;
    let formatted = rex::format_source(text, &name)?;
    if formatted == text {
        return Ok(true);
    }
    println!("{name}");
    if !is_check {
        write_atomically(path, formatted.as_bytes())?;
    }
    Ok(false)
}
