//! Every file opens: its first diagnostics come soon, and a file of the library has none.

use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tests::lsp_client::{LspClient, summaries, uri};
use tests::{Pallas, reference_checkout, report};

/// The times of opening a file.
struct OpenTimes {
    name: String,
    /// Until the first diagnostics: those of the syntax.
    first: Duration,
    /// Until the text has been executed, after its imports have been loaded.
    complete: Duration,
    found: Vec<Value>,
}

fn modules_in(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder").flatten();
    let paths = entries.map(|entry| entry.path());
    let mut modules: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|it| it == "sire")).collect();
    modules.sort();
    modules
}

/// Opens each file twice: first to load its imports, and then to measure.
fn open_all(client: &mut LspClient, files: &[PathBuf]) -> Vec<OpenTimes> {
    let mut all = Vec::new();
    for path in files {
        let Ok(text) = std::fs::read_to_string(path) else { continue };
        client.check(path, &text);
        close(client, path);
        let began = Instant::now();
        let first_found = client.open(path, &text);
        let first = began.elapsed();
        let found = client.settled(path, 1).unwrap_or(first_found);
        let complete = began.elapsed();
        close(client, path);
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        all.push(OpenTimes { name, first, complete, found });
    }
    all
}

fn close(client: &mut LspClient, path: &Path) {
    client.notify("textDocument/didClose", json!({ "textDocument": { "uri": uri(path) } }));
    client.notifications.clear();
}

/// Prints the times. A loaded machine may be slow, so no test asserts on them.
fn report_times(title: &str, all: &[OpenTimes]) {
    let slow = |time: fn(&OpenTimes) -> Duration| {
        all.iter().filter(|opened| time(opened) > Duration::from_millis(100)).count()
    };
    let slowest = |time: fn(&OpenTimes) -> Duration| {
        let slowest = all.iter().max_by_key(|opened| time(opened)).expect("a file");
        format!("{} ms ({})", time(slowest).as_millis(), slowest.name)
    };
    let median = |time: fn(&OpenTimes) -> Duration| {
        let mut times: Vec<Duration> = all.iter().map(time).collect();
        times.sort();
        times[times.len() / 2].as_millis()
    };
    report(&format!(
        "lsp: {title}: {} files; first diagnostics: median {} ms, longest {}, above 100 ms: {}; \
         executed: median {} ms, longest {}, above 100 ms: {}",
        all.len(),
        median(|it| it.first),
        slowest(|it| it.first),
        slow(|it| it.first),
        median(|it| it.complete),
        slowest(|it| it.complete),
        slow(|it| it.complete),
    ));
}

#[test]
fn files_of_our_library_open_without_errors() {
    let pallas = Pallas::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sire");
    let folder = folder.canonicalize().expect("the library");
    let mut client = LspClient::start_with(&pallas, &["--time-limit", "60s"], json!({}), &folder);
    let all = open_all(&mut client, &modules_in(&folder));
    report_times("our library", &all);
    for opened in &all {
        assert_eq!(summaries(&opened.found), Vec::<String>::new(), "{}", opened.name);
    }
    assert!(all.len() >= 50);
    assert_eq!(client.end(), Some(0));
}

#[test]
fn files_of_the_prototype_open() {
    let Some(checkout) = reference_checkout() else {
        return report("lsp: the corpus is skipped, since PALLAS_REFERENCE is not set");
    };
    let pallas = Pallas::new();
    let folder = checkout.join("sire");
    let mut client = LspClient::start_with(&pallas, &["--time-limit", "60s"], json!({}), &checkout);
    let all = open_all(&mut client, &modules_in(&folder));
    report_times("the prototype's library", &all);
    let without_errors = all.iter().filter(|opened| opened.found.is_empty()).count();
    report(&format!("lsp: files of the prototype without diagnostics: {without_errors}"));
    assert!(all.len() >= 100);
    assert_eq!(client.end(), Some(0));
}
