//! Programs that several branches have.

use crate::http::{body, empty_answer, post, request};
use crate::machine::{BranchPrograms, RunningMachine};

/// The items of the row that the driver reads after `text`.
fn times_after(machine: &RunningMachine, text: &str) -> Vec<u64> {
    let line = machine.wait_for(text);
    let row = line.split_once(text).expect("the line has the text").1;
    let row = row.split_once(']').map_or(row, |(row, _)| row);
    row.split_whitespace().map(|time| time.parse().expect("a time")).collect()
}

/// The driver reads the state, writes the time to it, and waits two seconds. The cog answers each
/// write with the new length of the state. A state of five entries is replaced by one.
pub(crate) fn a_list_of_times_grows_and_is_pruned(programs: &BranchPrograms, program: &str) {
    programs.boot(program);
    let machine = programs.start(program, &[]);
    assert_eq!(times_after(&machine, "[current_state=["), Vec::<u64>::new());
    machine.wait_for("[{proc_wrote} [result=1]]");
    let first = times_after(&machine, "[current_state=[");
    assert_eq!(first.len(), 1);
    machine.wait_for("[{proc_wrote} [result=2]]");
    machine.kill();

    // Both answers were given after the events were durable. If the machine lives two
    // seconds longer than the last answer, the driver writes once more.
    let machine = programs.start(program, &[]);
    let times = times_after(&machine, "[current_state=[");
    assert!(times.len() == 2 || times.len() == 3, "{times:?}");
    assert_eq!(times[0], first[0]);
    assert!(times[1] - times[0] >= 2, "{times:?}");
    machine.wait_for("{state reached 5 entries, pruning}");
    machine.wait_for("[{proc_wrote} [result=1]]");
    machine.kill();

    let machine = programs.start(program, &["--replay-all"]);
    assert!(machine.replayed() >= 6);
    let pruned = times_after(&machine, "[current_state=[");
    assert!(pruned.len() == 1 || pruned.len() == 2, "{pruned:?}");
    // It was written after five others, with a pause of two seconds after each but the one at which
    // the machine was killed.
    assert!(pruned[0] - times[0] >= 8, "{pruned:?} {times:?}");
    machine.stop();
    programs.check(program);
}

/// The driver writes `a` and `b`, waits for both answers (the length of the state after each),
/// writes `c`, for which there is no answer, reads the length of the state, and writes `d`. If the answers
/// are 1 and 2, the length is 3, and the last answer is 4, that is a success.
pub(crate) fn reads_and_writes_have_the_order_of_the_driver(programs: &BranchPrograms) {
    let program = "demo_cog_driver";
    programs.boot(program);
    let machine = programs.start(program, &[]);
    machine.wait_for("%success");
    machine.kill();
    // The driver begins anew. The state has four items from the first run, so the answers are other
    // ones: the program calls that a failure.
    for options in [&[][..], &["--replay-all"]] {
        let machine = programs.start(program, options);
        machine.wait_for("%failure");
        machine.kill();
    }
    programs.check(program);
}

/// The headers of the notepad's answers, after the status and before the body.
const NOTE_HEADERS: &str = "\
Server: Pallas/0.1\r\n\
Content-Type: application/json\r\n\
Content-Length: LENGTH\r\n\
Access-Control-Allow-Origin: *\r\n\
Access-Control-Allow-Methods: PUT, GET, POST, DELETE, OPTIONS\r\n\
Access-Control-Allow-Headers: *\r\n\
Access-Control-Allow-Credentials: true\r\n\
\r\n";

/// The answer that has this note.
fn note_answer(note: &str) -> String {
    let json = format!("{{\"note\":\"{note}\"}}");
    let headers = NOTE_HEADERS.replace("LENGTH", &json.len().to_string());
    format!("HTTP/1.0 200 OK\r\n{headers}{json}")
}

/// A note that clients read and change. `others` are paths that the cog does not know, with the
/// answer to a `POST`; such a request is an event that changes nothing.
pub(crate) fn a_note_is_read_and_changed(programs: &BranchPrograms, others: &[&str]) {
    const FIRST: &str = "# Pallas Notepad\\n\\n- Any text entered here will be saved to Pallas.\\n\
                         - Feel free to delete all of this intial content.\\n\\n**Enjoy!**";
    let change = |port| {
        assert_eq!(request(port, "GET", "/note"), note_answer(FIRST));
        for note in ["one", "new note content here"] {
            let answer = post(port, "/changed", "", &format!("{{\"newNote\":\"{note}\"}}"));
            assert_eq!(answer, empty_answer("200 OK"));
        }
        for path in others {
            assert_eq!(post(port, path, "", "x"), empty_answer("200 OK"));
        }
    };
    let observe = |port| {
        assert_eq!(request(port, "GET", "/note"), note_answer("new note content here"));
        let page = request(port, "GET", "/");
        assert!(page.starts_with("HTTP/1.0 200 OK\r\n"), "{page}");
        assert!(body(&page).starts_with("<!DOCTYPE html>\n<html lang=\"en\">"), "{page}");
        assert!(body(&page).contains("<title>Pallas Notepad</title>"), "{page}");
        let icon = request(port, "GET", "/favicon.ico");
        assert!(icon.contains("\r\nContent-Type: image/x-icon\r\n"), "{icon}");
        assert_eq!(body(&request(port, "HEAD", "/")), "confusing request");
    };
    let events = programs.check_server("demo_cog_notepad", change, observe);
    assert_eq!(events, 2 + others.len() as u64);
}
