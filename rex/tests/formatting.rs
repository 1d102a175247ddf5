//! Formatting never changes what the reader yields, and formatting twice is formatting once: on the
//! library, on the prototype's sources if `PALLAS_REFERENCE` names a checkout, and on variants of them
//! with other spacing.

use proptest::prelude::*;
use rex::{ReadError, Rex, format_source, read_file};
use std::path::{Path, PathBuf};

/// The sources of the library, and those of the prototype, if there is a checkout.
fn sources() -> Vec<(PathBuf, String)> {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../sire")];
    let reference = std::env::var_os("PALLAS_REFERENCE").filter(|path| !path.is_empty());
    folders.extend(reference.map(|path| PathBuf::from(path).join("sire")));
    let mut sources = Vec::new();
    for folder in folders {
        let entries = std::fs::read_dir(&folder).expect("the folder exists");
        let paths = entries.map(|entry| entry.expect("an entry").path());
        for path in paths.filter(|path| path.extension().is_some_and(|it| it == "sire")) {
            // Some texts of the prototype are not UTF-8.
            if let Ok(text) = std::fs::read_to_string(&path) {
                sources.push((path, text));
            }
        }
    }
    sources.sort();
    sources
}

fn trees(text: &str) -> Result<Vec<Rex>, ReadError> {
    read_file(text, "test").map(|block| Ok(block?.rex)).collect()
}

/// Checks a text, and returns it formatted. None if it is not well-formed.
fn checked(name: &str, text: &str) -> Option<String> {
    let before = trees(text).ok()?;
    let formatted = format_source(text, name).expect("it is well-formed");
    assert_eq!(trees(&formatted).expect("it is well-formed"), before, "{name}");
    let again = format_source(&formatted, name).expect("it is well-formed");
    assert_eq!(formatted, again, "{name}");
    let comments = |text: &str| text.matches(';').count();
    assert_eq!(comments(&formatted), comments(text), "{name}");
    Some(formatted)
}

#[test]
fn the_library_is_formatted_and_the_prototype_reads_the_same_formatted() {
    let mut count = 0;
    for (path, text) in sources() {
        let name = path.display().to_string();
        let formatted = checked(&name, &text);
        count += usize::from(formatted.is_some());
        if path.starts_with(Path::new(env!("CARGO_MANIFEST_DIR")).join("../sire")) {
            let formatted = formatted.expect("the library is well-formed");
            let lines = text.lines().zip(formatted.lines());
            for (number, (line, formatted)) in lines.enumerate() {
                assert_eq!(line, formatted, "{name}:{}", number + 1);
            }
            assert_eq!(text.len(), formatted.len(), "{name}");
        }
    }
    assert!(count >= 40, "{count}");
}

/// Moves the blocks of a text to the right, and puts spaces beside brackets, at random.
fn with_other_spacing(text: &str, random: &mut impl FnMut(usize) -> usize) -> String {
    let mut shift = 0;
    let mut out = String::new();
    for line in text.split_inclusive('\n') {
        if line.trim().is_empty() {
            shift = random(4);
            out.push_str(line);
            continue;
        }
        out.push_str(&" ".repeat(shift));
        for c in line.chars() {
            match c {
                '(' | '[' => {
                    out.push(c);
                    out.push_str(&" ".repeat(random(3) / 2));
                }
                c => out.push(c),
            }
        }
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn other_spacing_reads_the_same_formatted(seed in any::<u64>()) {
        let mut state = seed | 1;
        let mut random = |below: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            usize::try_from(state >> 33).expect("31 bits") % below
        };
        for (path, text) in sources().into_iter().step_by(7) {
            // Spaces may have changed what it reads as, and it is checked all the same.
            let _ = checked(&path.display().to_string(), &with_other_spacing(&text, &mut random));
        }
    }

    #[test]
    fn any_text_reads_the_same_formatted(
        lines in prop::collection::vec("[ ]{0,5}[-=|@:;()\\[\\]{}\"a-c ]{0,14}", 0..12),
    ) {
        let _ = checked("random", &(lines.join("\n") + "\n"));
    }
}
