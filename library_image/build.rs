//! Compiles the modules of the Sire library, and writes the states after them to `library.image`.
//!
//! The laws of the library do not depend on the computer, and images are files of 64-bit words in
//! little-endian order. So the image that the computer that builds makes is right for the target, if both
//! have such words. Where the image cannot be made, it is left empty, and sessions compile the library.

use plan::HeapOptions;
use sire::{ModuleLibrary, Sire, SireOptions, SireOutput};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{env, fs, io};
use vm::Vm;

fn main() -> Result<(), Box<dyn Error>> {
    // Cargo runs this script again when a crate that it is built from has changed.
    println!("cargo::rerun-if-changed=build.rs");
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    let path = out.join("library.image");
    if path.exists() {
        fs::remove_file(&path)?;
    }
    let has_right_words =
        |variable: &str, wanted: &str| env::var(variable).as_deref() == Ok(wanted);
    let is_for_target = has_right_words("CARGO_CFG_TARGET_ENDIAN", "little")
        && has_right_words("CARGO_CFG_TARGET_POINTER_WIDTH", "64")
        && cfg!(all(target_endian = "little", target_pointer_width = "64"));
    if !is_for_target {
        fs::write(&path, [])?;
    } else if let Err(error) = write_image(&path) {
        println!("cargo::warning=sessions compile the library: {error}");
        fs::write(&path, [])?;
    }
    Ok(())
}

/// Writes the image of the library to a new file.
fn write_image(path: &Path) -> Result<(), Box<dyn Error>> {
    let vm = Vm::new(HeapOptions::default(), Arc::new(jets::table()))?;
    let output = SireOutput::new(io::sink(), Default::default());
    let diagnostics = SireOutput::new(io::stderr(), Default::default());
    // No folder is searched: all modules are built in.
    let library = ModuleLibrary::new(path);
    let options = SireOptions { library, cache: None, output, diagnostics };
    let mut sire = Sire::new(vm, options)?;
    sire.load_quietly(|_, _, _| {});
    Ok(sire.write_library_image(path)?)
}
