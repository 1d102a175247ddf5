//! Each request, on small texts.

use serde_json::{Value, json};
use tests::Pallas;
use tests::lsp_client::{LspClient, at, summaries, uri};

const HEADER: &str = "#### app\n\n:| prelude\n\n";

fn text_of(value: &Value) -> &str {
    value["contents"]["value"].as_str().unwrap_or_default()
}

#[test]
fn diagnostics_are_those_of_the_command() {
    let pallas = Pallas::new();
    let mut client = LspClient::start(&pallas, &[]);
    let path = pallas.path("app.sire");
    let text = format!(
        "{HEADER}= (bump x) | ad 1 x\n\n= y | bump 2\n\n=?= 3 | add 1 1\n\n= (open\n\n=?= 2 | add 1 1\n"
    );
    let found = client.check(&path, &text);
    assert_eq!(
        summaries(&found),
        [
            "4:13-15 unresolved name: `ad` is not in scope",
            "8:0-15 assertion failed: the two sides differ",
            "10:2-3 syntax error: `(` is not closed on its line",
        ]
    );
    let message = found[0]["message"].as_str().expect("a message");
    assert!(message.contains("help: similar names are in scope: "), "{message}");
    // The same name and the same first sentence as the command's.
    pallas.write("one.sire", "#### one\n\n:| prelude\n\n= (bump x) | ad 1 x\n");
    let output = pallas.run(["test", "one.sire"], "");
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(printed.contains("`ad` is not in scope"), "{printed}");
    let fixed = format!("{HEADER}= (bump x) | add 1 x\n\n= y | bump 2\n\n=?= 3 | y\n");
    assert_eq!(client.change(&path, 2, &fixed), Vec::<Value>::new());
    assert_eq!(client.end(), Some(0));
}

#[test]
fn positions_count_utf_16_or_bytes() {
    let pallas = Pallas::new();
    let path = pallas.path("app.sire");
    let text = format!("{HEADER}= x | add {{\u{10348}é}} nosuch\n");
    let mut client = LspClient::start(&pallas, &[]);
    assert_eq!(client.initialized["capabilities"]["positionEncoding"], "utf-16");
    let found = client.check(&path, &text);
    assert_eq!(summaries(&found), ["4:16-22 unresolved name: `nosuch` is not in scope"]);
    let offered = json!({ "general": { "positionEncodings": ["utf-8", "utf-16"] } });
    let mut client = LspClient::start_with(&pallas, &[], offered, pallas.folder.path());
    assert_eq!(client.initialized["capabilities"]["positionEncoding"], "utf-8");
    let found = client.check(&path, &text);
    assert_eq!(summaries(&found), ["4:19-25 unresolved name: `nosuch` is not in scope"]);
}

#[test]
fn types_are_checked_in_typed_modules() {
    let pallas = Pallas::new();
    let mut client = LspClient::start(&pallas, &[]);
    let path = pallas.path("app.sire");
    let text = "#### app\n\n:| prelude\n:| typed\n\n> Nat > Nat\n= (bump x) | [x]\n";
    let found = client.check(&path, text);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0]["code"], "type-error");
    let fixed = text.replace("[x]", "add 1 x");
    assert_eq!(client.change(&path, 2, &fixed), Vec::<Value>::new());
    let hover = client.request("textDocument/hover", at(&path, 6, 4)).expect("hover");
    assert!(text_of(&hover).contains("bump : Nat > Nat"), "{hover}");
}

#[test]
fn hover_shows_documentation_type_and_value() {
    let pallas = Pallas::new();
    let mut client = LspClient::start(&pallas, &[]);
    let path = pallas.path("app.sire");
    let text = format!("{HEADER};; Twice as many.\n= (double x) | add x x\n\n= four | double 2\n");
    assert_eq!(client.check(&path, &text), Vec::<Value>::new());
    let mut hover = |line, column| {
        let found = client.request("textDocument/hover", at(&path, line, column)).expect("hover");
        text_of(&found).to_owned()
    };
    let double = hover(7, 11);
    assert!(double.contains("Twice as many.") && double.contains("(double x)"), "{double}");
    assert!(double.contains("function of 1 argument"), "{double}");
    let add = hover(5, 16);
    assert!(add.contains("jet `_Add`"), "{add}");
    assert!(add.contains("add : "), "{add}");
    let four = hover(7, 3);
    assert!(four.contains("```sire\n4\n```"), "{four}");
    assert_eq!(hover(5, 19), "`x`: a local name, bound in line 6");
    assert!(hover(7, 0).contains("defines a name"));
    assert_eq!(hover(3, 0), "");
}

#[test]
fn the_signature_of_a_call_that_is_being_written_is_shown() {
    let pallas = Pallas::new();
    let mut client = LspClient::start(&pallas, &[]);
    let path = pallas.path("app.sire");
    let text = format!(
        "{HEADER};; Twice and more.\n= (scale factor x) | mul factor x\n\n= y | scale 2 3\n"
    );
    assert_eq!(client.check(&path, &text), Vec::<Value>::new());
    let mut signature = |line, column| {
        client.request("textDocument/signatureHelp", at(&path, line, column)).expect("an answer")
    };
    let first = signature(7, 12);
    assert_eq!(first["signatures"][0]["label"], "(scale factor x)");
    assert_eq!(first["signatures"][0]["parameters"][1]["label"], json!([14, 15]));
    assert_eq!(first["activeParameter"], 0);
    let documentation = first["signatures"][0]["documentation"]["value"].as_str();
    assert!(documentation.is_some_and(|text| text.contains("Twice and more.")), "{first}");
    assert_eq!(signature(7, 14)["activeParameter"], 1);
    assert_eq!(signature(5, 28)["signatures"][0]["parameters"].as_array().map(Vec::len), Some(2));
    assert_eq!(signature(7, 3), Value::Null);
    // While a call is written, its text is not well-formed.
    let open = text.replace("scale 2 3", "add (scale 7 ");
    assert_eq!(client.change(&path, 2, &open).len(), 1);
    let inner = client.request("textDocument/signatureHelp", at(&path, 7, 19)).expect("an answer");
    assert_eq!(inner["signatures"][0]["label"], "(scale factor x)");
    assert_eq!(inner["activeParameter"], 1);
}

#[test]
fn definitions_are_found_in_the_text_and_in_the_library() {
    let pallas = Pallas::new();
    let mut client = LspClient::start(&pallas, &[]);
    let path = pallas.path("app.sire");
    let text = format!("{HEADER}= (double x) | add x x\n\n= four | double 2\n");
    assert_eq!(client.check(&path, &text), Vec::<Value>::new());
    let mut definition = |line, column| {
        client.request("textDocument/definition", at(&path, line, column)).expect("an answer")
    };
    let double = definition(6, 10);
    assert_eq!(double["uri"], json!(uri(&path)));
    assert_eq!(double["range"]["start"], json!({ "line": 4, "character": 3 }));
    let local = definition(4, 19);
    assert_eq!(local["range"]["start"], json!({ "line": 4, "character": 10 }));
    let add = definition(4, 16);
    let file = add["uri"].as_str().and_then(|uri| uri.strip_prefix("file://")).expect("a file");
    let source = std::fs::read_to_string(file).expect("the source of the library");
    let line = add["range"]["start"]["line"].as_u64().expect("a line");
    let line = source.lines().nth(line as usize).expect("that line");
    assert!(line.contains("add"), "{line}");
    let module = definition(2, 4);
    assert!(module["uri"].as_str().is_some_and(|uri| uri.ends_with("/prelude.sire")), "{module}");
}

#[test]
fn references_and_rename_cross_files_and_respect_scopes() {
    let pallas = Pallas::new();
    let shapes = "#### shapes\n\n:| prelude\n\n= (area x) | mul x x\n\n=?= 4 | area 2\n";
    pallas.write("shapes.sire", shapes);
    let user = "#### user\n\n:| shapes [area]\n:| prelude\n\n= (twice area) | add area area\n\n= nine | area 3\n";
    pallas.write("user.sire", user);
    let mut client = LspClient::start(&pallas, &[]);
    let path = pallas.path("shapes.sire");
    assert_eq!(client.check(&path, shapes), Vec::<Value>::new());
    let mut params = at(&path, 4, 4);
    params["context"] = json!({ "includeDeclaration": true });
    let found = client.request("textDocument/references", params).expect("references");
    let mut places: Vec<String> = found
        .as_array()
        .expect("a list")
        .iter()
        .map(|found| {
            let file = found["uri"].as_str().and_then(|uri| uri.rsplit('/').next());
            format!("{}:{}", file.unwrap_or_default(), found["range"]["start"]["line"])
        })
        .collect();
    places.sort();
    assert_eq!(places, ["shapes.sire:4", "shapes.sire:6", "user.sire:2", "user.sire:7"]);

    let rename = |client: &mut LspClient, line, column, name: &str| {
        let mut params = at(&path, line, column);
        params["newName"] = json!(name);
        client.request("textDocument/rename", params)
    };
    let edits = rename(&mut client, 4, 4, "surface").expect("edits");
    let in_user = &edits["changes"][uri(&pallas.path("user.sire"))];
    assert_eq!(in_user.as_array().map(Vec::len), Some(2), "{edits}");
    let in_shapes = &edits["changes"][uri(&path)];
    assert_eq!(in_shapes.as_array().map(Vec::len), Some(2), "{edits}");
    let local = rename(&mut client, 4, 8, "side").expect("edits");
    assert_eq!(local["changes"][uri(&path)].as_array().map(Vec::len), Some(3), "{local}");
    for (line, column, name) in [(4, 4, "mul"), (4, 4, "1x"), (4, 15, "times"), (4, 8, "area")] {
        let refused = rename(&mut client, line, column, name).expect_err(name);
        assert_eq!(refused["code"], -32803, "{refused}");
    }
}

#[test]
fn symbols_tokens_lenses_and_formatting_need_only_the_text() {
    let pallas = Pallas::new();
    let mut client = LspClient::start(&pallas, &[]);
    let path = pallas.path("app.sire");
    let text = format!("{HEADER}= (double x)\n| add  x x  \n\n=?= 4 | double 2\n");
    client.open(&path, &text);
    let params = json!({ "textDocument": { "uri": uri(&path) } });
    let symbols = client.request("textDocument/documentSymbol", params.clone()).expect("symbols");
    assert_eq!(symbols[0]["name"], "double");
    assert_eq!(symbols[0]["detail"], "(double x)");
    assert_eq!(symbols[0]["range"]["end"]["line"], 5);
    let query = json!({ "query": "OUBL" });
    let found = client.request("workspace/symbol", query).expect("symbols");
    assert_eq!(found[0]["name"], "double");
    let tokens = client.request("textDocument/semanticTokens/full", params.clone());
    let tokens = tokens.expect("tokens");
    assert!(tokens["data"].as_array().is_some_and(|data| data.len() % 5 == 0 && data.len() > 50));
    let lenses = client.request("textDocument/codeLens", params.clone()).expect("lenses");
    assert_eq!(lenses.as_array().map(Vec::len), Some(2));
    assert_eq!(lenses[1]["command"]["arguments"], json!([uri(&path), 7]));
    let mut format = params;
    format["options"] = json!({ "tabSize": 2, "insertSpaces": true });
    let edits = client.request("textDocument/formatting", format).expect("edits");
    assert_eq!(edits[0]["newText"], "| add  x x\n", "{edits}");
}

#[test]
fn lenses_run_assertions() {
    let pallas = Pallas::new();
    let mut client = LspClient::start(&pallas, &[]);
    let path = pallas.path("app.sire");
    let text = format!("{HEADER}=?= 4 | add 2 2\n\n=?= 5 | add 2 2\n");
    client.check(&path, &text);
    let mut run = |command: &str, arguments: Value| {
        let params = json!({ "command": command, "arguments": arguments });
        client.request("workspace/executeCommand", params)
    };
    let all = run("pallas.test", json!([uri(&path)])).expect("results");
    assert_eq!((&all["passed"], &all["failed"]), (&json!(1), &json!(1)));
    let one = run("pallas.runAssertion", json!([uri(&path), 6])).expect("results");
    assert_eq!((&one["passed"], &one["failed"]), (&json!(0), &json!(1)));
    let message = one["assertions"][0]["message"].as_str().expect("a message");
    assert!(message.contains("left: 5") && message.contains("right: 4"), "{message}");
    assert!(run("pallas.nosuch", json!([uri(&path)])).is_err());
    let shown = client.notification(|message| message["method"] == "window/showMessage");
    assert_eq!(shown["params"]["message"], "1 passed, 1 failed");
}

#[test]
fn completion_knows_names_modules_runes_and_qualified_names() {
    let pallas = Pallas::new();
    let mut client = LspClient::start(&pallas, &[]);
    let path = pallas.path("app.sire");
    let text = "#### app\n\n:| prelude\n:| json as J\n:| js\n\n= (fun someArg)\n| add so\n\n= y | J.par\n\n= z | fu\n\n=\n";
    client.check(&path, text);
    let mut complete = |line, column| -> Vec<String> {
        let found = client.request("textDocument/completion", at(&path, line, column));
        let found = found.expect("completions");
        let items = found["items"].as_array().expect("items");
        items.iter().filter_map(|item| item["label"].as_str().map(str::to_owned)).collect()
    };
    let has = |found: &[String], name: &str| found.iter().any(|found| found == name);
    assert!(has(&complete(4, 5), "json"));
    assert!(has(&complete(7, 8), "someArg"));
    assert!(has(&complete(13, 1), "=?="));
    // The third import fails, so no names are known before it is repaired.
    let fixed = text.replace(":| js\n", "");
    client.change(&path, 2, &fixed);
    let mut complete = |line, column| {
        let found = client.request("textDocument/completion", at(&path, line, column));
        found.expect("completions")
    };
    let labels = |found: &Value| -> Vec<String> {
        let items = found["items"].as_array().cloned().unwrap_or_default();
        items.iter().filter_map(|item| item["label"].as_str().map(str::to_owned)).collect()
    };
    assert!(has(&labels(&complete(8, 11)), "parseJson"));
    let names = complete(10, 8);
    assert!(has(&labels(&names), "fun"), "{names}");
    let adds = complete(6, 5);
    let items = adds["items"].as_array().expect("items");
    let add = items.iter().find(|item| item["label"] == "add").expect("add").clone();
    let resolved = client.request("completionItem/resolve", add).expect("an item");
    let documentation = resolved["documentation"]["value"].as_str().unwrap_or_default();
    assert!(documentation.contains("function of 2 arguments"), "{documentation}");
}

#[test]
fn imports_of_unsaved_texts_are_seen() {
    let pallas = Pallas::new();
    let mut client = LspClient::start(&pallas, &[]);
    let (one, two) = (pallas.path("one.sire"), pallas.path("two.sire"));
    let first = "#### one\n\n:| prelude\n\n= alpha | 1\n";
    assert_eq!(client.check(&one, first), Vec::<Value>::new());
    let second = "#### two\n\n:| one\n:| prelude\n\n=?= 2 | add alpha alpha\n";
    assert_eq!(client.check(&two, second), Vec::<Value>::new());
    // An edit of the imported text changes what the other one means.
    client.change(&one, 2, &first.replace("alpha | 1", "beta | 1"));
    let found = client.notification(|message| {
        let params = &message["params"];
        params["uri"] == json!(uri(&two)) && !params["diagnostics"][0].is_null()
    });
    let found = found["params"]["diagnostics"].as_array().cloned().unwrap_or_default();
    assert_eq!(summaries(&found), ["5:12-17 unresolved name: `alpha` is not in scope"]);
    // An error in it is reported at the import.
    client.change(&one, 3, "#### one\n\n:| prelude\n\n= beta | nosuch\n");
    let found = client.notification(|message| {
        let found = &message["params"]["diagnostics"][0]["message"];
        found.as_str().is_some_and(|text| text.contains("the module `one` cannot be loaded"))
    });
    assert_eq!(found["params"]["diagnostics"][0]["range"]["start"]["line"], 2);
    let message = found["params"]["diagnostics"][0]["message"].as_str().expect("a message");
    assert!(message.contains("one.sire:5: unresolved name: `nosuch`"), "{message}");
}

#[test]
fn wrong_headers_and_imports_are_reported_at_their_places() {
    let pallas = Pallas::new();
    let mut client = LspClient::start(&pallas, &[]);
    for (name, text, want) in [
        ("a", "= x | 1\n", "0:0-7 invalid code: a module begins with `#### NAME`"),
        (
            "b",
            "#### b\n\n:| nosuch\n\n= x | y\n",
            "2:3-9 invalid code: there is no module `nosuch`",
        ),
        ("c", "#### c <- nosuch\n", "0:0-16 invalid code: there is no module `nosuch`"),
        ("d", "", "0:0-0 invalid code: the file is empty, but a module begins with `#### NAME`"),
    ] {
        let path = pallas.path(&format!("{name}.sire"));
        assert_eq!(summaries(&client.check(&path, text)), [want]);
    }
    let path = pallas.path("e.sire");
    let found = client.check(&path, "#### e\n\n:| e\n");
    assert!(summaries(&found)[0].contains("depend on each other"), "{found:?}");
}
