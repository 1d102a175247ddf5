//! Sessions and programs run by the command: bad input, limits, seeds as programs.

use tests::{Pallas, stderr, stdout};

#[test]
fn a_session_continues_after_bad_input() {
    let pallas = Pallas::new();
    let mut input = b"(3 4)\n\n\xff\xfe\n\n(3\n\n)\n\n= x \n\n(3 (5 1))\n\n".to_vec();
    // The next line has 10 MB.
    input.extend_from_slice(b"(3 {");
    input.resize(input.len() + 10_000_000, b'a');
    input.extend_from_slice(b"})\n\n(3 41)\n");
    let output = pallas.run(["sire"], input);
    assert_eq!(output.status.code(), Some(2), "the session had errors");
    let message = stderr(&output);
    assert!(message.contains("REPL:3") && message.contains("UTF-8"), "{message}");
    let printed = stdout(&output);
    assert!(printed.trim_end().ends_with("42"), "the last value is not printed");
}

#[test]
fn memory_can_be_limited() {
    let pallas = Pallas::new();
    let input = "= (grow x) | 0 x (grow (3 x))\n\n(grow 1)\n\n(3 41)\n";
    let output = pallas.run(["sire", "--max-heap", "48M"], input);
    let message = stdout(&output) + &stderr(&output);
    assert!(message.contains("needs more memory"), "{message}");
    for size in ["lots", "3K", ""] {
        let output = pallas.run(["start", "--max-heap", size, "nowhere"], "");
        assert_eq!(output.status.code(), Some(2), "{output:?}");
    }
}

#[test]
fn a_program_in_a_seed_reads_and_writes() {
    let pallas = Pallas::new();
    // It answers every input with the input, and remains the same program.
    let echo = "#### echo\n\n= (loop x)\n| 0 0 3 0 loop x\n\n= main | loop\n";
    pallas.write("sire/echo.sire", echo);
    let saved = pallas.run(["save", "echo.seed", "echo"], "");
    assert!(saved.status.success(), "{}", stderr(&saved));
    let output = pallas.run(["repl", "echo.seed", "--save", "output"], "hello\n");
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(
        std::fs::read_to_string(pallas.path("output")).expect("it wrote the file"),
        "hello\n"
    );
}
