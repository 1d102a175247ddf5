//! Embeds the library of modules, which is every `.sire` file in the folder of this one, and the types
//! of its names, which are the files in `types`.
//!
//! It also hashes the sources of this crate. The key of a cached state includes the hash, so that a
//! state of another version of the compiler is never used.

use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hasher};
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").ok_or(io::ErrorKind::NotFound)?);
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?);
    // Watching the folder also covers files that are added or removed.
    println!("cargo::rerun-if-changed={}", here.display());
    println!("cargo::rustc-env=SIRE_SOURCES={:016x}", hash_sources(&here.join("src"))?);
    let mut modules = files(&here, "sire")?;
    modules.sort();
    let mut source = String::from("&[\n");
    for (name, path) in modules {
        println!("cargo::rerun-if-changed={}", path.display());
        let path = path.display().to_string();
        writeln!(source, "    ({name:?}, include_bytes!({path:?})),").map_err(io::Error::other)?;
    }
    source.push_str("]\n");
    fs::write(out.join("library.rs"), source)?;
    let mut tables = files(&here.join("types"), "types")?;
    tables.sort();
    let mut source = String::from("&[\n");
    for (name, path) in tables {
        println!("cargo::rerun-if-changed={}", path.display());
        let path = path.display().to_string();
        writeln!(source, "    ({name:?}, include_str!({path:?})),").map_err(io::Error::other)?;
    }
    source.push_str("]\n");
    fs::write(out.join("types.rs"), source)
}

/// Returns the names and paths of the files in a folder that have this extension.
fn files(folder: &Path, wanted: &str) -> io::Result<Vec<(String, PathBuf)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == wanted)
            && let Some(name) = path.file_stem().and_then(|name| name.to_str())
        {
            files.push((name.to_owned(), path.clone()));
        }
    }
    Ok(files)
}

/// Returns a hash of the names and contents of all files below a folder.
fn hash_sources(root: &Path) -> io::Result<u64> {
    let mut hasher = DefaultHasher::new();
    let mut pending = vec![root.to_path_buf()];
    while let Some(path) = pending.pop() {
        if path.is_dir() {
            let entries = fs::read_dir(&path)?.map(|entry| entry.map(|entry| entry.path()));
            let mut entries = entries.collect::<io::Result<Vec<PathBuf>>>()?;
            entries.sort();
            pending.extend(entries);
        } else if path.is_file() {
            let name = path.strip_prefix(root).unwrap_or(&path);
            hasher.write(name.as_os_str().as_encoded_bytes());
            hasher.write(&fs::read(&path)?);
        }
    }
    Ok(hasher.finish())
}
