//! `config`: the settings in effect, and where each comes from.

use crate::args::ConfigArgs;
use crate::{config, json};
use anyhow::{Context, Result};
use std::io::{self, Write};

/// Prints the settings, as lines of a file of settings or as JSON.
pub(crate) fn config(args: &ConfigArgs) -> Result<()> {
    let config = config::current();
    let settings: Vec<config::EffectiveSetting> = config.effective().collect();
    let text = if args.json {
        json::text(&settings)?
    } else {
        let mut text = String::new();
        for config::EffectiveSetting { key, value, source, .. } in &settings {
            let line = format!("{key} = {value:?}");
            text += &format!("{line:<34} # {source}\n");
        }
        for (path, exists) in &config.files {
            let state = if *exists { "read" } else { "absent" };
            text += &format!("# {}: {state}\n", path.display());
        }
        text
    };
    io::stdout().write_all(text.as_bytes()).context("cannot write the output")
}
