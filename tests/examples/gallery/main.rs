//! Runs each tool on the notepad while clients read and write it, and writes what the tools show into a
//! folder: pictures, flame graphs, transcripts, and `index.html` with all of them.
//!
//! ```text
//! cargo run --profile quick --package tests --example gallery -- target/gallery
//! ```
//!
//! [`notepad`] is the machine on a terminal and its load, [`tools`] runs the commands, [`pictures`] opens
//! pages in headless Chromium, [`editor`] is a session with the language server, [`page`] the index.

mod editor;
mod notepad;
mod page;
mod pictures;
mod tools;

use notepad::Notepad;
use page::{Entry, Gallery};
use std::path::PathBuf;
use tests::{Pallas, chromium, report};

fn main() {
    let folder = std::env::args_os().nth(1).map_or_else(|| "target/gallery".into(), PathBuf::from);
    std::fs::create_dir_all(&folder).expect("the folder can be created");
    let mut gallery = Gallery::new(folder.canonicalize().expect("the folder exists"));
    let pallas = Pallas::new();
    let notepad = Notepad::start(&pallas, &gallery.folder);

    report("gallery: metrics, profiles, explain");
    tools::profiles(&pallas, &mut gallery);
    tools::metrics(&pallas, &mut gallery);
    tools::explain(&pallas, &mut gallery);
    match chromium() {
        Some(program) => {
            report("gallery: pages of inspect");
            pictures::inspect(&pallas, &program, &mut gallery);
            pictures::flame_graphs(&program, &mut gallery);
        }
        None => gallery.skip("Pages of `pallas inspect`", "Chromium is not installed"),
    }
    report("gallery: language server");
    editor::session(&pallas, &mut gallery);

    let (status, requests) = notepad.stop();
    gallery.text("status.txt", "Status line", "pallas start --status", &status);
    let trace = std::fs::metadata(gallery.folder.join("trace.json")).expect("a trace was written");
    gallery.add(Entry::File {
        name: "trace.json".to_owned(),
        title: "Trace: which thread did what when".to_owned(),
        command: "pallas start -p trace.json".to_owned(),
        note: format!("{} kB; https://ui.perfetto.dev shows it", trace.len() / 1000),
    });
    gallery.write(&format!("{requests} requests were answered meanwhile."));
    report(&format!("gallery: {}", gallery.folder.join("index.html").display()));
}
