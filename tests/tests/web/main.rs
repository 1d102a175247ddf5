//! Web programs with real clients on 127.0.0.1: the server by the rules of HTTP, WebSocket, slow
//! clients, and the demos in a browser.
//!
//! ```text
//! cases       the table of requests and answers
//! rules       runs the table, whole and in parts
//! client      the HTTP client of the library
//! streams     responses in parts, events, WebSocket
//! slow        a thousand slow clients beside a fast one, and an update that has no end
//! demos       the demos with HTTP clients; writes survive SIGKILL
//! tools       curl, and Python's http.client
//! browser     the notepad in headless Chromium
//! ```

mod browser;
mod cases;
mod client;
mod demos;
mod rules;
mod slow;
mod streams;
mod tools;

use tests::{Pallas, WebMachine};

/// The program that the tests of the server use.
const PROGRAM: &str = include_str!("../../fixtures/web_cases.sire");

/// A machine that runs [`PROGRAM`], in a directory of its own.
fn server() -> (Pallas, WebMachine) {
    server_with("defaultLimits")
}

/// The same with other limits, which are an expression.
fn server_with(limits: &str) -> (Pallas, WebMachine) {
    let pallas = Pallas::new();
    let program = PROGRAM.replace("runWeb ", &format!("runWebWith ({limits}) "));
    pallas.write("sire/web_cases.sire", program);
    let machine = WebMachine::boot(&pallas, "web_cases");
    (pallas, machine)
}
