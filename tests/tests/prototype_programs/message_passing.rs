//! Programs of `message-passing` only.

use crate::http::{empty_answer, request};
use crate::machine::BranchPrograms;

/// The reads of the program give a text where the server expects a row of headers, body, status and
/// reason. All four are 0 then. Another driver of the program sends a request to the server.
pub(crate) fn an_answer_that_is_no_row_has_no_status(programs: &BranchPrograms) {
    let observe = |port| assert_eq!(request(port, "GET", "/any"), empty_answer("0 "));
    assert_eq!(programs.check_server("driver_http_tests", observe, observe), 0);
    let machine = programs.start("driver_http_tests", &[]);
    // The bytes of the request, the request, and the bytes of the answer.
    machine.wait_for_all(&["[gave=(0-607)]", "[parsedRequestOn=", " sentBytes=(0-50)]"]);
    machine.stop();
}
