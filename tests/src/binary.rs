//! The binary under test.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The path of the `pallas` binary, which the first call builds in the profile of the running test,
/// so that no suite tests an outdated one.
///
/// If `PALLAS_BINARY` is set, this is its value instead: for instance a script that runs a binary
/// of another architecture under emulation.
///
/// # Panics
/// If the binary cannot be built.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        if let Some(binary) = std::env::var_os("PALLAS_BINARY") {
            return binary.into();
        }
        let test = std::env::current_exe().expect("a test has a path");
        // target/PROFILE/deps/TEST-HASH
        let directory = test.ancestors().nth(2).expect("a test is two directories deep");
        let profile = directory.file_name().expect("the directory of a profile has its name");
        let profile = if profile == "debug" { "dev".as_ref() } else { profile };
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--quiet", "--package", "cli", "--target-dir"]);
        cargo.arg(directory.parent().expect("a profile has a target directory"));
        cargo.arg("--profile").arg(profile);
        cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
        assert!(cargo.status().expect("cargo runs").success(), "pallas does not build");
        directory.join("pallas")
    })
}
