//! The manual (`docs/src`): every listing does what the page says.
//!
//! The language of a listing says how it is run. The listings of a page share a directory, and run in
//! their order:
//!
//! | language | the listing is |
//! |---|---|
//! | `sire` | a module; it is written to `sire/NAME.sire`, and its assertions pass |
//! | `session` | a session on a terminal, with `prelude` or the module that is named after it |
//! | `console` | commands (`$`), what is typed into the machine (`>`), Ctrl-C (`^C`), and what is printed |
//! | `rust` | a program, which is a documentation test of the crate `tests` |
//! | none, or `text` | not run |
//!
//! A line `...` in a `console` listing stands for any lines. With `SNAPSHOT_BLESS=1` the test writes
//! what is printed into the page.

mod console;
mod session;

use std::path::{Path, PathBuf};
use tests::Pallas;

/// A listing of a page.
struct Listing<'p> {
    /// The word after the fence, and the words after it.
    language: &'p str,
    argument: Option<&'p str>,
    /// The lines between the fences.
    text: &'p str,
    /// The number of the first line, counted from 1.
    line: usize,
}

/// Returns the listings of a page.
fn listings(page: &str) -> Vec<Listing<'_>> {
    let mut found = Vec::new();
    let mut open: Option<(&str, usize, usize)> = None;
    let mut offset = 0;
    for (index, line) in page.split_inclusive('\n').enumerate() {
        let next = offset + line.len();
        if let Some(info) = line.strip_prefix("```") {
            open = match open {
                None => Some((info.trim(), next, index + 2)),
                Some((info, start, line)) => {
                    let mut words = info.split(' ');
                    found.push(Listing {
                        language: words.next().unwrap_or_default(),
                        argument: words.next(),
                        text: &page[start..offset],
                        line,
                    });
                    None
                }
            };
        }
        offset = next;
    }
    assert!(open.is_none(), "a listing has no end");
    found
}

/// Checks all listings of a page.
fn check(name: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/src").join(name);
    let page = std::fs::read_to_string(&path).expect("the page");
    let pallas = Pallas::new();
    let mut console = console::Console::new(&pallas);
    let mut written = page.clone();
    for listing in listings(&page) {
        let place = format!("{name}:{}", listing.line);
        let printed = match listing.language {
            "sire" => {
                check_module(&pallas, &listing, &place);
                continue;
            }
            "session" => session::run(&pallas, listing.argument.unwrap_or("prelude"), listing.text),
            "console" => console.run(listing.text, &place),
            "rust" | "text" | "" => continue,
            other => panic!("{place}: a listing in `{other}`"),
        };
        if printed == listing.text {
            continue;
        }
        assert!(
            std::env::var_os("SNAPSHOT_BLESS").is_some(),
            "{place}: expected\n{}\nfound\n{printed}",
            listing.text
        );
        written = written.replacen(listing.text, &printed, 1);
    }
    if written != page {
        std::fs::write(&path, written).expect("the page can be written");
    }
}

/// Writes the module of a listing, and executes its assertions.
fn check_module(pallas: &Pallas, listing: &Listing<'_>, place: &str) {
    let header = listing.text.strip_prefix("#### ").and_then(|rest| rest.split([' ', '\n']).next());
    let name = header.unwrap_or_else(|| panic!("{place}: a module has a header"));
    let file = format!("sire/{name}.sire");
    pallas.write(&file, listing.text);
    let output = pallas.run(["test", file.as_str()], "");
    assert!(output.status.success(), "{place}: {output:?}");
}

/// The pages, which are tested apart.
fn pages() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/src");
    let entries = std::fs::read_dir(folder).expect("the pages");
    entries.map(|entry| entry.expect("an entry").path()).collect()
}

macro_rules! pages {
    ($($test:ident)*) => {
        $(#[test]
        fn $test() {
            check(concat!(stringify!($test), ".md"));
        })*

        /// Every page has a test, and is in the table of contents.
        #[test]
        fn all_pages_are_tested() {
            let tested = [$(stringify!($test)),*];
            let contents = include_str!("../../../docs/src/SUMMARY.md");
            for path in pages() {
                let name = path.file_stem().and_then(|name| name.to_str()).expect("a name");
                if name != "SUMMARY" {
                    assert!(tested.contains(&name), "{name} is not tested");
                    assert!(contents.contains(&format!("({name}.md)")), "{name} is not listed");
                }
            }
        }
    };
}

pages! {
    introduction language modules data types library first_cog web upgrade macros moving persistence plan embedding
    coming_from small_programs developing editors profiling macos
}
