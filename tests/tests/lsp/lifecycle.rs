//! The beginning and the end of the server, cancelled requests, evaluations without end.

use serde_json::{Value, json};
use tests::Pallas;
use tests::lsp_client::{LspClient, at, summaries, uri};

/// A definition whose evaluation never ends.
const ENDLESS: &str = "= (loop x) | loop (add 1 x)\n\n= never | loop 0\n";
const HEADER: &str = "#### app\n\n:| prelude\n\n";

#[test]
fn the_exit_code_says_whether_the_client_shut_the_server_down() {
    let pallas = Pallas::new();
    assert_eq!(LspClient::start(&pallas, &[]).end(), Some(0));
    assert_eq!(LspClient::start(&pallas, &[]).end_without_shutdown(true), Some(1));
    assert_eq!(LspClient::start(&pallas, &[]).end_without_shutdown(false), Some(1));
}

#[test]
fn unknown_and_wrong_messages_are_answered_or_ignored() {
    let pallas = Pallas::new();
    let mut client = LspClient::start(&pallas, &[]);
    let unknown = client.request("textDocument/nosuch", json!({})).expect_err("no such method");
    assert_eq!(unknown["code"], -32601);
    let wrong = client.request("textDocument/hover", json!({ "a": 1 })).expect_err("parameters");
    assert_eq!(wrong["code"], -32602);
    client.notify("textDocument/didChange", json!({ "a": 1 }));
    client.notify("$/nosuch", json!([]));
    let closed = client.request("textDocument/hover", at(&pallas.path("a.sire"), 0, 0));
    assert_eq!(closed, Ok(Value::Null));
    client.request("shutdown", Value::Null).expect("shutdown");
    let late = client.request("textDocument/hover", at(&pallas.path("a.sire"), 0, 0));
    assert_eq!(late.expect_err("after shutdown")["code"], -32600);
}

#[test]
fn an_evaluation_without_end_ends_at_the_limit() {
    let pallas = Pallas::new();
    let mut client = LspClient::start(&pallas, &["--time-limit", "300ms"]);
    let path = pallas.path("app.sire");
    let text = format!("{HEADER}{ENDLESS}\n= x | nosuch\n");
    let found = client.check(&path, &text);
    assert_eq!(
        summaries(&found),
        [
            "6:0-16 time limit: the evaluation took too long",
            "8:6-12 unresolved name: `nosuch` is not in scope",
        ]
    );
    assert_eq!(client.end(), Some(0));
}

#[test]
fn memory_is_limited() {
    let pallas = Pallas::new();
    let mut client = LspClient::start(&pallas, &["--time-limit", "60s", "--max-heap", "64M"]);
    let path = pallas.path("app.sire");
    // The list is returned if `x` is 0. A list that nobody uses would not be made.
    let text = format!(
        "{HEADER}= (grow x xs) | ifz x xs | grow (add 1 x) (CONS x xs)\n\n= never | grow 1 NIL\n\n\
         = x | nosuch\n"
    );
    let found = summaries(&client.check(&path, &text));
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with("6:0-") && found[0].contains("out of memory"), "{found:?}");
    assert_eq!(client.end(), Some(0));
}

#[test]
fn an_edit_cancels_the_evaluation_of_the_text_before() {
    let pallas = Pallas::new();
    // Without the cancellation, the test would wait for the limit of ten minutes.
    let mut client = LspClient::start(&pallas, &["--time-limit", "600s"]);
    let path = pallas.path("app.sire");
    client.open(&path, &format!("{HEADER}{ENDLESS}"));
    let found = client.change(&path, 2, &format!("{HEADER}= x | add 1 nosuch\n"));
    assert_eq!(summaries(&found), ["4:12-18 unresolved name: `nosuch` is not in scope"]);
    // A shutdown cancels it too.
    let document = json!({ "uri": uri(&path), "version": 3 });
    let changes = json!([{ "text": format!("{HEADER}{ENDLESS}") }]);
    client.notify(
        "textDocument/didChange",
        json!({ "textDocument": document, "contentChanges": changes }),
    );
    assert_eq!(client.end(), Some(0));
}

#[test]
fn a_cancelled_request_is_answered_at_once() {
    let pallas = Pallas::new();
    let mut client = LspClient::start(&pallas, &["--time-limit", "600s"]);
    let path = pallas.path("app.sire");
    client.open(&path, &format!("{HEADER}{ENDLESS}"));
    // Highlights wait for the end of the analysis, which does not come.
    let id = client.begin("textDocument/documentHighlight", at(&path, 4, 4));
    client.notify("$/cancelRequest", json!({ "id": id }));
    assert_eq!(client.answer(id).expect_err("it is cancelled")["code"], -32800);
    // Requests that need only the text are answered meanwhile.
    let params = json!({ "textDocument": { "uri": uri(&path) } });
    let symbols = client.request("textDocument/documentSymbol", params).expect("symbols");
    assert_eq!(symbols[0]["name"], "loop");
    assert_eq!(client.end(), Some(0));
}

#[test]
fn a_closed_text_has_no_diagnostics_and_is_read_from_its_file() {
    let pallas = Pallas::new();
    let mut client = LspClient::start(&pallas, &[]);
    let path = pallas.write("one.sire", "#### one\n\n:| prelude\n\n= alpha | 1\n");
    client.check(&path, "#### one\n\n:| prelude\n\n= beta | nosuch\n");
    client.notify("textDocument/didClose", json!({ "textDocument": { "uri": uri(&path) } }));
    let cleared = client.notification(|message| {
        message["params"]["uri"] == json!(uri(&path)) && message["params"]["version"].is_null()
    });
    assert_eq!(cleared["params"]["diagnostics"], json!([]));
    let other = pallas.path("two.sire");
    let found = client.check(&other, "#### two\n\n:| one\n\n= x | alpha\n");
    assert_eq!(found, Vec::<Value>::new());
}
