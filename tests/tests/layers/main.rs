//! The structure of the workspace, checked: crates form layers, and so do the modules of each
//! crate.
//!
//! * A crate depends only on crates in lower layers ([`LAYERS`]).
//! * Within a crate no more than [`MAX_COMPONENT`] files depend on each other in a circle. A file
//!   depends on the file that defines a name which it uses by a path. `mod` declarations and
//!   re-exports are not uses, and `#[cfg(test)]` code is left out.
//! * Each crate root forbids `unsafe` code, or denies it except in named modules.
//!
//! ```text
//! main     the rules, and the tables of layers and exceptions
//! modules  the module tree of a crate, parsed from its sources
//! names    which file defines the name at the end of a path
//! graph    the dependencies between files, and their strongly connected components
//! ```

mod graph;
mod modules;
mod names;

use graph::{FileCycle, FileGraph};
use modules::ModuleTree;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use tests::report;

/// The layers of crates, from the bottom up. A crate may depend on crates in lower layers only.
/// `net` does not exist yet.
const LAYERS: &[&[&str]] = &[
    &["plan", "profile", "rex"],
    &["show", "types", "vm"],
    &["jets"],
    &["jit", "persist"],
    &["runtime"],
    &["machine", "net", "sire"],
    &["inspect", "library_image", "lsp"],
    &["cli"],
];

/// Crates that test or measure the others. No crate in a layer depends on them, except for its
/// tests.
const OUTSIDE: &[&str] = &["spec", "bench", "fuzz", "tests"];

/// Number of files that may depend on each other in a circle.
const MAX_COMPONENT: usize = 2;

/// A crate of this repository.
struct Crate {
    name: String,
    /// The crate root: `lib.rs`, or `main.rs` of a crate without a library.
    root: PathBuf,
    /// Names of the workspace crates that it depends on, except for tests: development
    /// dependencies, and optional ones, are left out.
    dependencies: Vec<String>,
}

/// The crates of the workspace, and `fuzz`, which is a workspace of its own.
fn crates() -> Vec<Crate> {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["metadata", "--no-deps", "--offline", "--format-version", "1"]);
    let output = cargo.current_dir(&repository).output().expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo writes JSON");
    let packages = metadata["packages"].as_array().expect("a list of packages");
    let mut crates: Vec<Crate> = packages.iter().map(crate_of).collect();
    let root = repository.join("fuzz/src/lib.rs").canonicalize().expect("the root of `fuzz`");
    crates.push(Crate { name: "fuzz".into(), root, dependencies: Vec::new() });
    crates
}

/// A crate as `cargo metadata` describes it.
fn crate_of(package: &Value) -> Crate {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let list = |value: &Value| value.as_array().expect("a list").clone();
    let targets = list(&package["targets"]);
    let root = ["lib", "bin"].iter().find_map(|kind| {
        let of_kind = |target: &&Value| list(&target["kind"]).iter().any(|found| found == kind);
        targets.iter().find(of_kind).map(|target| text(&target["src_path"]))
    });
    let own = list(&package["dependencies"]).into_iter().filter(|dependency| {
        let is_needed =
            dependency["kind"].as_str() != Some("dev") && dependency["optional"] != true;
        dependency["path"].is_string() && is_needed
    });
    Crate {
        name: text(&package["name"]),
        root: root.expect("a library or a binary").into(),
        dependencies: own.map(|dependency| text(&dependency["name"])).collect(),
    }
}

/// The index of a crate's layer, from the bottom. None for crates outside the layers.
fn layer(name: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&name))
}

#[test]
fn crates_depend_on_lower_layers_only() {
    let mut wrong = Vec::new();
    for Crate { name, dependencies, .. } in crates() {
        let Some(own) = layer(&name) else {
            if !OUTSIDE.contains(&name.as_str()) {
                wrong.push(format!("{name} is in no layer: add it to LAYERS"));
            }
            continue;
        };
        for dependency in dependencies {
            if layer(&dependency).is_none_or(|lower| lower >= own) {
                wrong
                    .push(format!("{name} depends on {dependency}, which is not in a lower layer"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn modules_form_layers() {
    let mut rows = vec![format!(
        "{:<8} {:>6} {:>7} {:>7} {:>7} {:>10}",
        "crate", "files", "lines", "median", "unsafe", "component"
    )];
    let mut wrong = Vec::new();
    for Crate { name, root, .. } in crates() {
        let tree = ModuleTree::read(&root);
        let components = FileGraph::of(&tree).components();
        let largest = components.iter().map(|component| component.files.len()).max().unwrap_or(1);
        rows.push(format!(
            "{name:<8} {:>6} {:>7} {:>7} {:>7} {largest:>10}",
            tree.files.len(),
            tree.files.iter().map(|file| file.lines).sum::<usize>(),
            tree.median_lines(),
            tree.files.iter().map(|file| file.unsafe_blocks).sum::<usize>(),
        ));
        let too_large: Vec<&FileCycle> =
            components.iter().filter(|component| component.files.len() > MAX_COMPONENT).collect();
        wrong.extend(too_large.iter().map(|it| format!("{name}: {it}")));
    }
    // Lines are those of whole files, with the unit tests in them.
    report(&rows.join("\n"));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn crate_roots_fence_unsafe_code() {
    let mut wrong = Vec::new();
    for Crate { name, root, .. } in crates() {
        let text = std::fs::read_to_string(&root).expect("the crate root can be read");
        let file = syn::parse_file(&text).expect("the crate root can be parsed");
        let is_fenced = file.attrs.iter().any(|attribute| {
            let is_lint = attribute.path().is_ident("forbid") || attribute.path().is_ident("deny");
            let lints = attribute.meta.require_list().map(|list| list.tokens.to_string());
            is_lint && lints.is_ok_and(|lints| lints.contains("unsafe_code"))
        });
        if !is_fenced {
            wrong.push(format!("{name}: its root needs `#![forbid(unsafe_code)]` or `deny`"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
