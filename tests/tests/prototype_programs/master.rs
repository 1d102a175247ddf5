//! Programs of `master` only.

use crate::http::{empty_answer, post, request};
use crate::machine::BranchPrograms;
use std::net::{Ipv4Addr, TcpListener};

/// The program treats every request as a `GET`, and answers all that it knows with the same text.
pub(crate) fn filepad_knows_one_path(programs: &BranchPrograms) {
    let observe = |port| {
        assert_eq!(
            request(port, "GET", "/files"),
            "HTTP/1.0 200 Okkkk\r\nServer: Pallas/0.1\r\nContent-Length: 4\r\n\
             manually-inserted: thing\r\n\r\nbody"
        );
        assert_eq!(request(port, "GET", "/other"), empty_answer("404 Not found"));
        assert_eq!(post(port, "/a.txt", "", "abc"), empty_answer("404 Not found"));
    };
    assert_eq!(programs.check_server("demo_cog_filepad", observe, observe), 0);
}

/// The reads of the program give a text where the server expects a row of headers, body, status and
/// reason. All four are 0 then.
pub(crate) fn an_answer_that_is_no_row_has_no_status(programs: &BranchPrograms) {
    let observe = |port| assert_eq!(request(port, "GET", "/any"), empty_answer("0 "));
    assert_eq!(programs.check_server("proc_http_tests", observe, observe), 0);
}

/// One driver listens on the port of the machine, which the other expects to be 12345.
pub(crate) fn two_drivers_talk_over_tcp(programs: &BranchPrograms) {
    let address = "127.0.0.1:12345";
    if TcpListener::bind((Ipv4Addr::LOCALHOST, 12345)).is_err() {
        return tests::report(&format!("test_tcp: skipped, since {address} is in use"));
    }
    programs.boot("test_tcp");
    for options in [&[][..], &[], &["--replay-all"]] {
        let machine = programs.start("test_tcp", &[&["--listen", address], options].concat());
        machine.wait_for_all(&["[ack=(0-11)]", "[took=(b#{Hello, TCP!})]"]);
        machine.kill();
    }
    // A machine that listens on another port does not hear its speaker: `open` gives nothing.
    std::fs::remove_file(programs.pallas.path("test_tcp/tcp.port")).expect("a port file");
    let machine = programs.start("test_tcp", &[]);
    machine.wait_for("[open=0]");
    machine.stop();
    programs.check("test_tcp");
}
