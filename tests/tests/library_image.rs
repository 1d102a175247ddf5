//! The library is compiled in the program: no start compiles it again, whatever the cache holds, and its
//! names have the values that their sources have.

use library_image::LIBRARY_IMAGE;
use plan::Hash;
use runtime::{CompileMode, RuntimeBuilder};
use sire::{ModuleLibrary, Sire};
use std::collections::HashSet;
use std::path::Path;
use tests::{Pallas, built_in_library, library_session, run_with_input, stderr, stdout};

/// What a session prints.
#[derive(Debug, PartialEq, Eq)]
struct SessionOutput {
    /// The definitions of the modules that it compiles.
    definitions: String,
    /// The values of what is entered.
    values: String,
}

/// Runs a session with a module, whose cache is in this directory.
fn session(pallas: &Pallas, cache: &Path, module: &str, input: &str) -> SessionOutput {
    let mut command = pallas.command(["sire", module]);
    command.env("PALLAS_DIR", cache);
    let output = run_with_input(command, input);
    assert!(output.status.success(), "{module}: {}", stderr(&output));
    assert_eq!(stderr(&output), "", "{module}");
    let printed = stdout(&output);
    let greeting = printed.find("\n}\n} ==== Sire REPL ====\n").expect("it greets");
    let (definitions, session) = printed.split_at(greeting);
    let (_, values) = session.split_once("\n}\n\n\n").expect("the greeting ends");
    SessionOutput { definitions: definitions.to_owned(), values: values.to_owned() }
}

/// The output of a session that compiles nothing.
fn only_values(values: &str) -> SessionOutput {
    SessionOutput { definitions: String::new(), values: values.to_owned() }
}

#[test]
fn no_module_of_the_library_is_compiled_with_an_empty_cache() {
    let pallas = Pallas::new();
    for module in ModuleLibrary::built_in() {
        let output = session(&pallas, &pallas.path("cache"), module, "");
        assert_eq!(output, only_values(""), "{module}");
    }
    assert!(!pallas.path("cache/modules").exists());
}

#[test]
fn a_cache_that_cannot_be_written_does_not_matter() {
    let pallas = Pallas::new();
    // No directory can be made in a file.
    let file = pallas.write("file", "");
    let cache = file.join("cache");
    assert_eq!(session(&pallas, &cache, "prelude", "(add 2 3)\n"), only_values("5\n\n"));
    assert_eq!(session(&pallas, &cache, "json", "(printJson JNULL)\n"), only_values("b#null\n\n"));
}

#[test]
fn a_module_of_a_user_is_compiled_and_kept_alone() {
    let pallas = Pallas::new();
    pallas.write("sire/mine.sire", "#### mine\n\n:| prelude\n:| json\n\n= seven | add 3 4\n");
    let cache = pallas.path("cache");
    let first = session(&pallas, &cache, "mine", "seven\n");
    assert_eq!((&*first.definitions, &*first.values), ("seven=7\n\n", "7\n\n"));
    assert_eq!(session(&pallas, &cache, "mine", "seven\n"), only_values("7\n\n"));
    let files = std::fs::read_dir(cache.join("modules")).expect("the cache").count();
    assert_eq!(files, 1);
}

#[test]
fn a_module_that_replaces_one_of_the_library_is_compiled_with_all_after_it() {
    let pallas = Pallas::new();
    let text = ModuleLibrary::built_in_texts().find(|(name, _)| *name == "kern");
    let text = String::from_utf8_lossy(text.expect("it is built in").1).into_owned();
    pallas.write("sire/kern.sire", format!("{text}\n= mine 7\n"));
    let SessionOutput { definitions, values } =
        session(&pallas, &pallas.path("cache"), "kern", "mine\n");
    assert!(definitions.ends_with("mine=7\n\n"), "{definitions}");
    assert_eq!(values, "7\n\n");
    // The modules before it are not compiled.
    assert!(!definitions.contains("LAW=0\n"), "{definitions}");
}

/// Returns whether this process maps a part of its program among the addresses of pins.
#[cfg(target_os = "linux")]
fn maps_its_program() -> bool {
    let program = std::env::current_exe().expect("its path").display().to_string();
    let mappings = std::fs::read_to_string("/proc/self/maps").expect("the mappings");
    mappings.lines().filter(|mapping| mapping.ends_with(&program)).any(|mapping| {
        let (start, _) = mapping.split_once('-').expect("a range");
        let start = usize::from_str_radix(start, 16).expect("an address");
        plan::pinspace::range::is_frozen(start)
    })
}

#[cfg(target_os = "linux")]
#[test]
fn the_image_is_mapped_from_the_program() {
    let runtime = RuntimeBuilder::new().compile(CompileMode::Off);
    let mut sire = library_session(runtime, built_in_library());
    sire.start_from(&LIBRARY_IMAGE);
    sire.load("prelude").expect("it is built in");
    assert!(maps_its_program());
}

/// Returns the names in scope after a module, and the qualified names of all modules before it, with the
/// hashes of their values.
fn hashes(sire: &mut Sire, module: &str) -> Vec<(String, Hash)> {
    sire.load(module).unwrap_or_else(|error| panic!("{module}: {error}"));
    let values = sire.named_values();
    let vm = sire.vm();
    let hashed = |(name, value)| (name, vm.hash(&value).expect("a finite value"));
    values.into_iter().map(hashed).collect()
}

#[test]
fn names_have_the_values_of_their_sources() {
    let runtime = || RuntimeBuilder::new().compile(CompileMode::Off);
    let mut compiled = library_session(runtime(), built_in_library());
    let mut started = library_session(runtime(), built_in_library());
    started.start_from(&LIBRARY_IMAGE);
    let mut names = HashSet::new();
    for module in ModuleLibrary::built_in() {
        let expected = hashes(&mut compiled, module);
        let found = hashes(&mut started, module);
        assert_eq!(started.definitions().count(), 0, "{module} is not compiled");
        assert!(
            expected == found,
            "{module}: {:?}",
            expected.iter().zip(&found).find(|(a, b)| a != b)
        );
        names.extend(expected.into_iter().map(|(name, _)| name));
    }
    assert!(names.len() > 2000, "{} names", names.len());
}
