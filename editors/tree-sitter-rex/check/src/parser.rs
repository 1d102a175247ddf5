//! [`parser`]: the parser of the grammar, made once per run.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use tree_sitter::{Language, Parser};
use tree_sitter_generate::{OptLevel, generate_parser_in_directory};

/// The version of the interface between parsers and the library.
const INTERFACE: usize = 15;

/// The folder of the grammar.
pub(crate) fn grammar() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A parser of Rex. None, and a message, where a tool is missing that makes it.
pub(crate) fn parser() -> Option<Parser> {
    static LANGUAGE: OnceLock<Option<Language>> = OnceLock::new();
    let language = LANGUAGE.get_or_init(|| {
        let missing = ["node", "cc"].into_iter().find(|tool| !exists(tool));
        if let Some(tool) = missing {
            eprintln!("the tests of the grammar are skipped: {tool} is missing");
            return None;
        }
        Some(load(&generate()))
    });
    let mut parser = Parser::new();
    parser.set_language(language.as_ref()?).expect("the library knows the interface");
    Some(parser)
}

fn exists(tool: &str) -> bool {
    let mut command = Command::new(tool);
    command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Generates and compiles the parser. Returns the library, in a folder that stays.
fn generate() -> PathBuf {
    let folder = tempfile::Builder::new().disable_cleanup(true).tempdir();
    let folder = folder.expect("a folder").path().to_owned();
    let mut notes = Vec::new();
    let made = generate_parser_in_directory(
        grammar(),
        Some(folder.clone()),
        Some(grammar().join("grammar.js")),
        INTERFACE,
        None,
        Some("node"),
        true,
        OptLevel::default(),
        &mut notes,
    );
    made.expect("the grammar has no conflict");
    let library = folder.join("rex.so");
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-O1", "-I"]).arg(&folder);
    compiler.arg(folder.join("parser.c")).arg("-o").arg(&library);
    assert!(compiler.status().expect("cc runs").success(), "the parser does not compile");
    library
}

/// Loads the parser, for the rest of the process, and removes its folder.
fn load(path: &Path) -> Language {
    // SAFETY: the library has only tables and one pure function; nothing runs when it is loaded.
    let library = unsafe { libloading::Library::new(path) }.expect("the library can be loaded");
    let library = Box::leak(Box::new(library));
    // SAFETY: the generator names the function so, and gives it this type.
    let function: libloading::Symbol<'static, unsafe extern "C" fn() -> *const ()> =
        unsafe { library.get(b"tree_sitter_rex") }.expect("the parser is in it");
    // SAFETY: the function is that of a generated parser, and the library stays loaded.
    let language = unsafe { tree_sitter_language::LanguageFn::from_raw(*function) };
    let folder = path.parent().expect("the library is in a folder");
    // A folder that stays takes room and does no harm.
    let _ = std::fs::remove_dir_all(folder);
    language.into()
}
