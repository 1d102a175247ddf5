//! Random edits neither stop the server nor make it lose the text.

use serde_json::{Value, json};
use std::path::Path;
use tests::Pallas;
use tests::lsp_client::{LspClient, at, uri};

/// The pieces that edits insert: brackets, runes, texts, names, characters of one to four bytes.
const PIECES: [&str; 20] = [
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "\n",
    "\n\n",
    " ",
    "= ",
    "| ",
    "=?= ",
    "#",
    ":| ",
    "@ x ",
    "é",
    "\u{10348}",
    "add ",
    ";; ",
    "\t",
];

/// A text as a client holds it: UTF-16 code units, so that edits can be within a character.
struct ClientText {
    lines: Vec<Vec<u16>>,
}

impl ClientText {
    fn new(text: &str) -> ClientText {
        ClientText { lines: text.split('\n').map(|line| line.encode_utf16().collect()).collect() }
    }

    fn position(&self, random: &mut fastrand::Rng) -> (usize, usize) {
        let line = random.usize(..self.lines.len());
        (line, random.usize(..=self.lines[line].len()))
    }
}

/// Makes an edit of a random range, which may be the wrong way round or out of the text.
fn random_change(text: &ClientText, random: &mut fastrand::Rng) -> Value {
    let start = text.position(random);
    let mut end = if random.bool() { start } else { (start.0, start.1 + random.usize(..6)) };
    if random.usize(..10) == 0 {
        end = text.position(random);
    }
    if random.usize(..20) == 0 {
        end = (text.lines.len() + 9, 7);
    }
    let inserted: String =
        (0..random.usize(..3)).map(|_| PIECES[random.usize(..PIECES.len())]).collect();
    let position = |(line, character)| json!({ "line": line, "character": character });
    json!({ "range": { "start": position(start), "end": position(end) }, "text": inserted })
}

fn edit_at_random(client: &mut LspClient, path: &Path, text: &str, random: &mut fastrand::Rng) {
    client.open(path, text);
    let shape = ClientText::new(text);
    let mut version = 1;
    for round in 0..12 {
        for _ in 0..random.usize(1..5) {
            version += 1;
            let document = json!({ "uri": uri(path), "version": version });
            let changes: Vec<Value> =
                (0..random.usize(1..3)).map(|_| random_change(&shape, random)).collect();
            let params = json!({ "textDocument": document, "contentChanges": changes });
            client.notify("textDocument/didChange", params);
        }
        let (line, column) = shape.position(random);
        let position = || at(path, line as u32, column as u32);
        let methods = ["hover", "completion", "definition", "signatureHelp"]
            .map(|name| format!("textDocument/{name}"));
        let asked = client.request(&methods[round % methods.len()], position());
        assert!(asked.is_ok(), "{asked:?}");
        let params = json!({ "textDocument": { "uri": uri(path) } });
        for method in ["documentSymbol", "semanticTokens/full", "codeLens"] {
            let method = format!("textDocument/{method}");
            client.request(&method, params.clone()).expect("an answer");
        }
        // A text with syntax errors cannot be formatted.
        let mut format = params;
        format["options"] = json!({ "tabSize": 2, "insertSpaces": true });
        let _ = client.request("textDocument/formatting", format);
    }
    // After any edits the server has the text that the client sets, and no other.
    let found = client.change(path, version + 1, text);
    assert_eq!(found, Vec::<Value>::new());
    let no_defect = |message: &Value| message["method"] != "window/logMessage";
    assert!(client.notifications.iter().all(no_defect), "{:?}", client.notifications);
    client.notify("textDocument/didClose", json!({ "textDocument": { "uri": uri(path) } }));
}

#[test]
fn random_edits_do_not_stop_the_server() {
    let pallas = Pallas::new();
    let seed = 20_261_129;
    let mut random = fastrand::Rng::with_seed(seed);
    let args = ["--time-limit", "1s", "--delay", "1ms", "--max-heap", "1G"];
    let library = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sire");
    let mut client = LspClient::start(&pallas, &args);
    for name in ["demo_count_up", "list", "time"] {
        let text = std::fs::read_to_string(library.join(format!("{name}.sire")));
        let path = pallas.path(&format!("{name}.sire"));
        edit_at_random(&mut client, &path, &text.expect("a module"), &mut random);
    }
    assert_eq!(client.end(), Some(0));
}
