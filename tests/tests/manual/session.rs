//! Listings of sessions: each entry follows the prompt `sire> `, and what it shows is below it. An
//! entry of several lines ends with an empty line.

use library_image::LIBRARY_IMAGE;
use runtime::RuntimeBuilder;
use sire::{ModuleLibrary, ResultForm, Sire, SireOptions, SireOutput};
use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;
use tests::Pallas;

const PROMPT: &str = "sire> ";

/// The width of the terminal, in columns.
const WIDTH: usize = 100;

/// What a session shows.
#[derive(Clone, Default)]
struct Shown(Rc<RefCell<Vec<u8>>>);

impl Write for Shown {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Shown {
    fn take(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.0.borrow_mut())).expect("UTF-8")
    }
}

/// Runs the entries of a listing in a session of its own. Returns the listing with what is shown.
pub(crate) fn run(pallas: &Pallas, module: &str, listing: &str) -> String {
    let shown = Shown::default();
    let mut sire = session(pallas, module, &shown);
    let mut text = String::new();
    for part in listing.split(PROMPT).skip(1) {
        // The end of the entry, and of what is written for it.
        let (entry, end) = match part.find("\n\n") {
            Some(at) => (&part[..at], at + 2),
            None => {
                part.split_once('\n').map_or((part, part.len()), |(line, _)| (line, line.len() + 1))
            }
        };
        sire.enter(entry).expect("the session goes on");
        text += &format!("{PROMPT}{}", &part[..end]);
        let output = shown.take();
        let lines = output.trim_matches('\n').lines().map(|line| format!("{}\n", line.trim_end()));
        text.extend(lines);
    }
    text
}

fn session(pallas: &Pallas, module: &str, shown: &Shown) -> Sire {
    let output = SireOutput::new(shown.clone(), Default::default());
    let options = SireOptions {
        library: ModuleLibrary::new(pallas.path("sire")),
        cache: Some(pallas.path("pallas-dir/modules")),
        diagnostics: output.clone(),
        output,
    };
    let runtime = RuntimeBuilder::new().build().expect("a runtime");
    let mut sire = Sire::new(runtime.into(), options).expect("a session");
    sire.start_from(&LIBRARY_IMAGE);
    let mut diagnostics = shown.clone();
    sire.on_diagnostic(move |found| {
        let text = found.render(Default::default(), WIDTH);
        diagnostics.write_all(text.as_bytes()).expect("memory can be written");
    });
    sire.load_quietly(|_, _, _| {});
    sire.load(module).expect("the module is loaded");
    sire.begin_interactive().expect("the names are in scope");
    sire.set_result_form(ResultForm::Readable);
    sire
}
