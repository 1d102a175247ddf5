//! Embeds the commit that the command is built from, for `pallas --version`.

use std::process::Command;

fn main() {
    let commit = git(&["rev-parse", "--short=12", "HEAD"]).unwrap_or_else(|| "unknown".into());
    println!("cargo::rustc-env=PALLAS_COMMIT={commit}");
    // The log of HEAD changes with each commit and each checkout. Outside a repository there is none.
    match git(&["rev-parse", "--git-path", "logs/HEAD"]) {
        Some(path) => println!("cargo::rerun-if-changed={path}"),
        None => println!("cargo::rerun-if-changed=build.rs"),
    }
}

/// The output of a git command; none if it fails.
fn git(args: &[&str]) -> Option<String> {
    let output = Command::new("git").args(args).output().ok().filter(|it| it.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}
