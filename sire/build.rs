//! Embeds the library, which is every `.sire` file beside this one, and a hash of this crate's
//! sources, by which caches that another version wrote are told apart.

use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hasher};
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").ok_or(io::ErrorKind::NotFound)?);
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?);
    // Also says when a file is new or gone.
    println!("cargo::rerun-if-changed={}", here.display());
    println!("cargo::rustc-env=SIRE_SOURCES={:016x}", hash_files(&here.join("src"))?);
    let mut modules = modules(&here)?;
    modules.sort();
    let mut source = String::from("&[\n");
    for (name, path) in modules {
        println!("cargo::rerun-if-changed={}", path.display());
        let path = path.display().to_string();
        writeln!(source, "    ({name:?}, include_bytes!({path:?})),").map_err(io::Error::other)?;
    }
    source.push_str("]\n");
    fs::write(out.join("library.rs"), source)
}

/// The names and paths of the modules in a folder.
fn modules(folder: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let mut modules = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "sire")
            && let Some(name) = path.file_stem().and_then(|name| name.to_str())
        {
            modules.push((name.to_owned(), path.clone()));
        }
    }
    Ok(modules)
}

/// A hash of the names and contents of a folder's files.
fn hash_files(folder: &Path) -> io::Result<u64> {
    let paths = fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path()));
    let mut paths = paths.collect::<io::Result<Vec<PathBuf>>>()?;
    paths.sort();
    let mut hasher = DefaultHasher::new();
    for path in paths.into_iter().filter(|path| path.is_file()) {
        hasher.write(path.file_name().unwrap_or_default().as_encoded_bytes());
        hasher.write(&fs::read(path)?);
    }
    Ok(hasher.finish())
}
