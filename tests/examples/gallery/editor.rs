//! A session with the language server.

use crate::page::Gallery;
use serde_json::{Value, json};
use std::fmt::Write as _;
use tests::Pallas;
use tests::lsp_client::{LspClient, at, uri};

/// A module with an unknown name, and with a call that is not complete.
const MODULE: &str = "\
#### gallery

:| prelude

;; Scales a number.
> Nat > Nat > Nat
= (scale factor x) | mul factor x

= doubled | scale 2 21

= wrong | scael 2 21

=?= 43 doubled
";

/// Writes the transcript of a session: diagnostics, hover, signature, definition, completion, rename.
pub(crate) fn session(pallas: &Pallas, gallery: &mut Gallery) {
    let path = pallas.write("gallery.sire", MODULE);
    let mut client = LspClient::start(pallas, &[]);
    let mut text = String::from("The module gallery.sire, lines from 0:\n\n");
    for (number, line) in MODULE.lines().enumerate() {
        let _ = writeln!(text, "{number:3}  {line}");
    }
    record(&mut text, "textDocument/didOpen", "diagnostics", &json!(client.check(&path, MODULE)));
    for (method, line, column) in [
        ("textDocument/hover", 8, 13),
        ("textDocument/signatureHelp", 8, 18),
        ("textDocument/definition", 8, 13),
        ("textDocument/references", 6, 4),
    ] {
        let mut params = at(&path, line, column);
        if method == "textDocument/references" {
            params["context"] = json!({ "includeDeclaration": true });
        }
        let answer = client.request(method, params).expect("an answer");
        record(&mut text, method, &format!("at {line}:{column}"), &answer);
    }
    let lenses = json!({ "textDocument": { "uri": uri(&path) } });
    let lenses = client.request("textDocument/codeLens", lenses).expect("an answer");
    record(&mut text, "textDocument/codeLens", "of the file", &lenses);
    let test = json!({ "command": "pallas.test", "arguments": [uri(&path)] });
    let result = client.request("workspace/executeCommand", test).expect("an answer");
    record(&mut text, "workspace/executeCommand", "pallas.test", &result);
    assert_eq!(client.end(), Some(0));
    let text = text.replace(&uri(pallas.folder.path()), "file:///project");
    gallery.text("lsp.txt", "A session with the language server", "pallas lsp", &text);
}

fn record(text: &mut String, method: &str, what: &str, answer: &Value) {
    let answer = serde_json::to_string_pretty(answer).expect("JSON");
    let _ = write!(text, "\n{method} ({what})\n{answer}\n");
}
