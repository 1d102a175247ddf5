//! `new`: creates a project.

use crate::args::{NewArgs, Verbosity};
use crate::terminal;
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::Path;

/// The files of a project: their paths and texts, in which NAME stands for the project's name.
const FILES: [(&str, &str); 4] = [
    ("NAME.sire", include_str!("../templates/module.sire")),
    ("NAME_test.sire", include_str!("../templates/test.sire")),
    ("README.md", include_str!("../templates/README.md")),
    (".gitignore", "/store/\n/dev-store/\n*.seed\n*.pallas\n"),
];

/// Creates a directory with a module, its test, a README and a list of files to ignore.
pub(crate) fn new(args: &NewArgs) -> Result<()> {
    let name = args.name.as_str();
    if !rex::chars::is_word(name) || !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        bail!("{name}: not a name of letters, digits and underscores that begins with a letter");
    }
    let directory = Path::new(name);
    fs::create_dir(directory).with_context(|| format!("cannot create {name}"))?;
    for (file, text) in FILES {
        let path = directory.join(file.replace("NAME", name));
        fs::write(&path, text.replace("NAME", name))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    if terminal::verbosity() != Verbosity::Quiet {
        println!("Created {name}. Next:\n  cd {name}\n  pallas test\n  pallas dev ./{name}.sire");
    }
    Ok(())
}
