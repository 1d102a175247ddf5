//! `readJson` on the cases of JSONTestSuite: what must be accepted is, what must be refused is refused at a
//! place in the text, and every answer is that of the snapshot `json_suite.txt`, which lists them by name.
//!
//! The texts are our own ([`cases`]). Where `JSON_TEST_SUITE` names a checkout of
//! `https://github.com/nst/JSONTestSuite`, the answers to its files are the same.

mod cases;

use cases::cases;
use plan::Val;
use sire::Sire;
use std::collections::BTreeMap;
use std::path::Path;
use tests::{assert_snapshot, report, started_session};

/// What the reader answers to a text.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Accepted,
    Refused { offset: u64, line: u64, column: u64, expected: String },
}

impl Answer {
    /// Returns the answer in the form of the snapshot.
    fn text(&self) -> String {
        match self {
            Answer::Accepted => "accepted".into(),
            Answer::Refused { offset, line, column, expected } => {
                format!("refused at byte {offset}, {line}:{column}: expected {expected}")
            }
        }
    }

    fn is_accepted(&self) -> bool {
        *self == Answer::Accepted
    }
}

/// A session with the module `json`.
struct JsonReader {
    sire: Sire,
    read: Val,
}

impl JsonReader {
    fn new() -> JsonReader {
        let sire = started_session("json");
        let read = sire.binding("readJson").expect("it is defined");
        JsonReader { sire, read }
    }

    /// Reads a text. The place of a refusal is in the text or at its end.
    fn answer(&mut self, name: &str, text: &[u8]) -> Answer {
        let vm = self.sire.vm();
        let bar = vm.bar(text).expect("room");
        let result = vm.apply(&self.read, &[bar]).expect("it returns a value");
        let result = vm.force(&result).expect("it is finite");
        let result = vm.look(&result).as_row().expect("LEFT or RIGHT");
        let mut items = result.iter();
        let tag = items.next().and_then(|tag| tag.as_u64()).expect("a tag");
        if tag == 1 {
            return Answer::Accepted;
        }
        let error = items.next().and_then(|error| error.as_row()).expect("an error");
        let mut error = error.iter();
        let mut number = || error.next().and_then(|item| item.as_u64()).expect("a small nat");
        let (offset, line, column) = (number(), number(), number());
        let expected = error.next().and_then(|item| item.as_nat()?.text()).expect("a text");
        assert!(error.next().is_none(), "{name}");
        let answer = Answer::Refused { offset, line, column, expected };
        let before = &text[..usize::try_from(offset).expect("an offset")];
        let lines = before.iter().filter(|byte| **byte == b'\n').count() as u64;
        assert_eq!(line, lines + 1, "{name}: {answer:?}");
        assert!(column >= 1, "{name}: {answer:?}");
        answer
    }
}

#[test]
fn the_answers_to_all_cases_are_those_of_the_snapshot() {
    let mut reader = JsonReader::new();
    let cases = cases();
    let count = |kind: char| cases.iter().filter(|(name, _)| name.starts_with(kind)).count();
    assert_eq!(['y', 'n', 'i'].map(count), [95, 188, 35]);
    let mut text = String::new();
    for (name, case) in &cases {
        let answer = reader.answer(name, case);
        match name.as_bytes()[0] {
            b'y' => assert!(answer.is_accepted(), "{name}: {answer:?}"),
            b'n' => assert!(!answer.is_accepted(), "{name}"),
            _ => {}
        }
        text += &format!("{name}: {}\n", answer.text());
    }
    assert_snapshot("json_suite.txt", &text);
}

#[test]
fn the_cases_and_the_files_of_the_suite_have_the_same_names_and_answers() {
    let Some(checkout) = std::env::var_os("JSON_TEST_SUITE") else {
        report("JSON_TEST_SUITE is not set: the files of JSONTestSuite are not read");
        return;
    };
    let mut reader = JsonReader::new();
    let mut files = BTreeMap::new();
    let folder = Path::new(&checkout).join("test_parsing");
    for entry in std::fs::read_dir(folder).expect("a checkout") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        files.insert(name, std::fs::read(&path).expect("it can be read"));
    }
    let cases = cases();
    assert!(cases.iter().map(|(name, _)| *name).eq(files.keys().map(String::as_str)));
    for (name, case) in cases {
        let answers = [&case, &files[name]].map(|text| reader.answer(name, text));
        assert_eq!(answers[0].is_accepted(), answers[1].is_accepted(), "{name}: {answers:?}");
    }
}
