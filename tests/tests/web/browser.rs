//! The demos in headless Chromium.
//!
//! The tests are skipped where Chromium is missing. Set `CHROMIUM` to a path to use another browser.

use serde_json::json;
use tests::{Browser, Pallas, WebMachine, chromium, report};

/// The folder of pictures.
const ARTIFACTS: &str = env!("CARGO_TARGET_TMPDIR");

const TEXT: &str = "document.getElementById('pad').value";
const STATE: &str = "document.getElementById('state').textContent";

/// A user types in one window, sees the text in the other, and types there. The machine is killed
/// and started again; both windows reconnect by themselves, and a reload shows the text.
#[test]
fn the_notepad_lives_in_two_windows_and_survives_a_kill() {
    let Some(program) = chromium() else {
        return report("web: the browser test is skipped, since Chromium is not installed");
    };
    let pallas = Pallas::new();
    let machine = WebMachine::boot(&pallas, "demo_notepad");
    let url = format!("http://127.0.0.1:{}/", machine.port);
    let mut browser = Browser::start(&program);
    let (one, two) = (browser.open(&url), browser.open(&url));
    browser.type_text(&one, "pad", "Hello from <one> \u{e9}\n");
    browser.wait_for(&two, TEXT, "Hello from <one> \u{e9}\n");
    browser.evaluate(&two, "pad.setSelectionRange(pad.value.length, pad.value.length)");
    browser.type_text(&two, "pad", "and from two");
    let text = "Hello from <one> \u{e9}\nand from two";
    browser.wait_for(&one, TEXT, text);
    browser.wait_for(&two, STATE, "Saved");
    browser.screenshot(&one, ARTIFACTS, "notepad.png");
    machine.kill();
    let machine = WebMachine::start(&pallas, "demo_notepad");
    assert_eq!(machine.request("GET", "/note", b"").text(), text);
    browser.call(Some(&one), "Page.reload", json!({}));
    let shown = "document.readyState + document.getElementById('pad')?.value";
    browser.wait_for(&one, shown, &format!("complete{text}"));
    // The second window was not reloaded: its stream of events reconnects.
    assert_eq!(machine.request("PUT", "/note", b"after the kill").status, 200);
    browser.wait_for(&two, TEXT, "after the kill");
    browser.wait_for(&one, TEXT, "after the kill");
}

/// Changes of one text by two windows, and what both show afterwards.
const MERGES: [[&str; 4]; 17] = [
    ["", "", "", ""],
    ["one", "one", "one", "one"],
    ["one", "one two", "one", "one two"],
    ["one", "one", "", ""],
    ["one two", "1 two", "one 2", "1 2"],
    ["one two", "one 2", "1 two", "1 2"],
    ["one", "one, mine", "one, theirs", "one, theirs, mine"],
    ["", "mine", "theirs", "theirsmine"],
    ["one", "one two", "one two", "one two"],
    ["one", "one two", "one two three", "one two three"],
    ["one", "one two three", "one two", "one two three"],
    ["one two three", "one 2 three", "one three", "one 2 three"],
    ["one two three", "one three", "one 2 three", "one 2 three"],
    ["one two", "one and two", "on", "one and two"],
    ["ab", "axb", "aby", "axby"],
    ["\u{1f600}", "\u{1f601}", "\u{1f602}", "\u{1f602}\u{1f601}"],
    ["\u{10f600}", "\u{1f600}", "\u{10f600}!", "\u{1f600}!"],
];

#[test]
fn the_notepad_merges_what_two_windows_change() {
    let Some(program) = chromium() else {
        return report("web: the browser test is skipped, since Chromium is not installed");
    };
    let pallas = Pallas::new();
    let machine = WebMachine::boot(&pallas, "demo_notepad");
    let mut browser = Browser::start(&program);
    let window = browser.open(&format!("http://127.0.0.1:{}/", machine.port));
    for [base, mine, theirs, merged] in MERGES {
        let call = format!("merge({}, {}, {})", json!(base), json!(mine), json!(theirs));
        browser.wait_for(&window, &call, merged);
    }
}

/// Both windows are typed in while no machine runs, and another client changes the text as well.
#[test]
fn the_notepad_keeps_what_is_typed_while_the_machine_is_down() {
    let Some(program) = chromium() else {
        return report("web: the browser test is skipped, since Chromium is not installed");
    };
    let pallas = Pallas::new();
    let machine = WebMachine::boot(&pallas, "demo_notepad");
    assert_eq!(machine.request("PUT", "/note", b"first\nlast\n").status, 200);
    let url = format!("http://127.0.0.1:{}/", machine.port);
    let mut browser = Browser::start(&program);
    let (one, two) = (browser.open(&url), browser.open(&url));
    machine.kill();
    for (window, text, position) in [(&one, "one\n", 0), (&two, "two\n", 11)] {
        browser.evaluate(window, &format!("pad.setSelectionRange({position}, {position})"));
        browser.type_text(window, "pad", text);
        browser.wait_for(window, STATE, "Not saved");
    }
    let machine = WebMachine::start(&pallas, "demo_notepad");
    let text = "one\nfirst\nlast\ntwo\n";
    for window in [&one, &two] {
        browser.wait_for(window, TEXT, text);
        browser.wait_for(window, STATE, "Saved");
    }
    assert_eq!(machine.request("GET", "/note", b"").text(), text);
}

/// Both windows type at the same time, a word at a time.
#[test]
fn the_notepad_loses_nothing_of_two_who_type_at_once() {
    const WORDS: usize = 20;
    let Some(program) = chromium() else {
        return report("web: the browser test is skipped, since Chromium is not installed");
    };
    let pallas = Pallas::new();
    let machine = WebMachine::boot(&pallas, "demo_notepad");
    assert_eq!(machine.request("PUT", "/note", b"\n\n").status, 200);
    let url = format!("http://127.0.0.1:{}/", machine.port);
    let mut browser = Browser::start(&program);
    let (one, two) = (browser.open(&url), browser.open(&url));
    // One types at the start, the other one at the end.
    let typing = "let word = 0, typing = setInterval(() => {
        if (++word === WORDS) clearInterval(typing);
        pad.setRangeText(NAME + word + ' ', AT, AT, 'preserve');
        pad.dispatchEvent(new Event('input'));
    }, 1)";
    for (window, name, position) in [(&one, "'a'", "0"), (&two, "'b'", "pad.value.length")] {
        let typing = typing.replace("NAME", name).replace("AT", position);
        browser.evaluate(window, &typing.replace("WORDS", &WORDS.to_string()));
    }
    let first: String = (1..=WORDS).rev().map(|word| format!("a{word} ")).collect();
    let last: String = (1..=WORDS).map(|word| format!("b{word} ")).collect();
    let text = format!("{first}\n\n{last}");
    for window in [&one, &two] {
        browser.wait_for(window, TEXT, &text);
        browser.wait_for(window, STATE, "Saved");
    }
    assert_eq!(machine.request("GET", "/note", b"").text(), text);
}

const LINES: &str = "[...document.querySelectorAll('#lines p')].map((p) => p.textContent).join()";

/// Lines reach both windows by WebSocket, and a window that is opened after a kill shows them.
#[test]
fn the_chat_room_shows_lines_in_two_windows() {
    let Some(program) = chromium() else {
        return report("web: the browser test is skipped, since Chromium is not installed");
    };
    let pallas = Pallas::new();
    let machine = WebMachine::boot(&pallas, "demo_chat");
    let url = format!("http://127.0.0.1:{}/", machine.port);
    let mut browser = Browser::start(&program);
    let (one, two) = (browser.open(&url), browser.open(&url));
    for window in [&one, &two] {
        browser.wait_for(window, "String(socket.readyState)", "1");
    }
    for (window, line) in [(&one, "hello"), (&two, "who is <there>?")] {
        browser.type_text(window, "field", line);
        for kind in ["rawKeyDown", "keyUp"] {
            let key = json!({ "type": kind, "key": "Enter", "windowsVirtualKeyCode": 13 });
            browser.call(Some(window), "Input.dispatchKeyEvent", key);
        }
        let shown = if line == "hello" { "hello" } else { "hello,who is <there>?" };
        browser.wait_for(&one, LINES, shown);
        browser.wait_for(&two, LINES, shown);
    }
    machine.kill();
    let _machine = WebMachine::start(&pallas, "demo_chat");
    let three = browser.open(&url);
    browser.wait_for(&three, LINES, "hello,who is <there>?");
}
