//! Programs of `port-fulltag` only.

use crate::http::{body, empty_answer, post, request};
use crate::machine::BranchPrograms;
use tests::stderr;

/// The reads of the program give the parts of an answer. Another driver of the program sends a
/// request to the server.
pub(crate) fn a_server_answers_itself_and_others(programs: &BranchPrograms) {
    let observe = |port| {
        assert_eq!(
            request(port, "GET", "/any"),
            "HTTP/1.0 200 ok\r\nServer: Pallas/0.1\r\nContent-Length: 7\r\n\r\nsuccess"
        );
    };
    assert_eq!(programs.check_server("driver_http_tests", observe, observe), 0);
    let machine = programs.start("driver_http_tests", &[]);
    machine.wait_for("[gave=(0-607)]");
    machine.stop();
}

/// The status that the site reports: `imgs` images with `pairs` new tags. (`bytes` stays 0, because
/// the program takes the length of another value than of the file.)
const STATUS: &str = "{\"imgs\":50,\"bytes\":0,\"pairs\":661}";

fn search(port: u16, query: &str) -> String {
    let answer = post(port, "/search", "", query);
    assert!(answer.starts_with("HTTP/1.0 200 gotcha\r\n"), "{query}: {answer}");
    body(&answer).to_owned()
}

/// A site of images. A job parses the descriptions of images that a client posts; the cog adds the
/// result, which is `[1 value]`, to its tables. (A job that crashes has the result `[0 [op arg]]`,
/// which the program handles wrongly: it gives the continuation one argument too many, and the cog
/// ends.)
pub(crate) fn images_are_learned_by_jobs_and_found(programs: &BranchPrograms) {
    let page = std::fs::read_to_string(programs.pallas.path("testdata/fulltag/json/page-1.json"));
    let page = page.expect("the data of the branch");
    let change = |port| {
        assert_eq!(request(port, "GET", "/index.html"), empty_answer("400 bad"));
        let headers = "Content-Type: text/html\r\nX-Put-Path: /index.html\r\n";
        assert_eq!(
            post(port, "/put", headers, "<p>hello</p>"),
            "HTTP/1.0 201 \r\nServer: Pallas/0.1\r\nContent-Length: 4\r\n\r\ndone"
        );
        assert_eq!(post(port, "/learn", "", &page), empty_answer("200 ok"));
    };
    let observe = |port| {
        let file = request(port, "GET", "/index.html");
        assert!(file.starts_with("HTTP/1.0 200 gotcha\r\n"), "{file}");
        assert!(file.contains("\r\ncontent-type: text/html\r\n"), "{file}");
        assert_eq!(body(&file), "<p>hello</p>");
        assert_eq!(
            search(port, "{\"tag\":\"Status\"}"),
            format!("{{\"tag\":\"Status\",\"contents\":{STATUS}}}")
        );
        // One image of the page has this tag, and the query skips none.
        let query = "{\"tag\":\"Search\",\"contents\":{\"offset\":0,\"tags\":[\"puffy cheeks\"]}}";
        let found = search(port, query);
        assert!(
            found.contains("[[2486148,\"https://derpicdn.net/img/2020/11/11/2486148/thumb.png\"]]"),
            "{found}"
        );
        assert!(found.contains("\"total\":1"), "{found}");
        let query = "{\"tag\":\"Search\",\"contents\":{\"offset\":0,\"tags\":[\"unheard of\"]}}";
        assert_eq!(
            search(port, query),
            format!("{{\"tag\":\"BadTag\",\"status\":{STATUS},\"contents\":[\"unheard of\"]}}")
        );
        assert_eq!(post(port, "/search", "", "nonsense"), empty_answer("400 bad"));
    };
    // One event of the file, and two of `learn`: the request, and the result of its job.
    assert_eq!(programs.check_server("demo_full_tag_site", change, observe), 3);
}

/// The branch removed `pallasFavicon` from its library, and the program still uses it.
pub(crate) fn notepad_does_not_load(programs: &BranchPrograms) {
    let output = programs.pallas.run(["boot", "notepad", "sire/demo_cog_notepad.sire"], "");
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("Unresolved symbol: pallasFavicon"), "{}", stderr(&output));
}
