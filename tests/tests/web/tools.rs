//! The server with usual clients: curl, and Python's `http.client`. A test is skipped where its
//! client is not installed.

use std::process::{Command, Stdio};
use tests::{Pallas, WebMachine, report};

/// The output of a command, or `None`, reported, if its program is not installed.
fn output(program: &str, args: &[&str]) -> Option<String> {
    let output = Command::new(program).args(args).stdin(Stdio::null()).output();
    let Ok(output) = output else {
        report(&format!("web: a test is skipped, since {program} is not installed"));
        return None;
    };
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {args:?}: {error}");
    Some(String::from_utf8(output.stdout).expect("text"))
}

#[test]
fn curl_uploads_and_downloads() {
    let pallas = Pallas::new();
    let machine = WebMachine::boot(&pallas, "demo_filepad");
    let text: String = (0..40_000).map(|line| format!("line {line}\n")).collect();
    let file = pallas.write("text file.txt", &text).display().to_string();
    let url = |path: &str| format!("http://127.0.0.1:{}{path}", machine.port);
    let form = format!("file=@{file}");
    let curl = |args: &[&str]| output("curl", &[&["-sS", "--max-time", "60"], args].concat());
    let status = ["-o", "/dev/null", "-w", "%{http_code} %{num_connects}"];
    let Some(uploaded) = curl(&[&status[..], &["-F", &form, &url("/files")]].concat()) else {
        return;
    };
    assert_eq!(uploaded, "303 1");
    let path = url("/files/text%20file.txt");
    assert_eq!(curl(&[&path]).expect("curl"), text);
    let twice =
        curl(&["-o", "/dev/null", "-o", "/dev/null", "-w", "%{num_connects} ", &path, &path]);
    assert_eq!(twice.expect("curl"), "1 0 ", "the connection is used again");
    let head = curl(&["-I", &path]).expect("curl");
    assert!(head.contains(&format!("Content-Length: {}\r\n", text.len())), "{head}");
    let http10 = curl(&["--http1.0", &path]).expect("curl");
    assert_eq!(http10, text);
}

/// Several requests on one connection; a body in chunks, from a generator; a cookie.
const PYTHON: &str = r#"
import http.client, sys
connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=60)
def request(*args, **kwargs):
    connection.request(*args, **kwargs)
    response = connection.getresponse()
    return response.status, response.read(), response
for i in range(100):
    assert request("GET", f"/echo/{i}")[:2] == (200, str(i).encode())
assert request("POST", "/body", body=b"abc")[:2] == (200, b"abc")
parts = (bytes([65 + i]) * 5000 for i in range(20))
status, body, _ = request("POST", "/body", body=parts, encode_chunked=True,
                          headers={"Transfer-Encoding": "chunked"})
assert (status, body) == (200, b"".join(bytes([65 + i]) * 5000 for i in range(20)))
assert request("HEAD", "/large")[:2] == (200, b"")
assert request("GET", "/stream")[:2] == (200, b"onetwo")
cookie = request("GET", "/set-cookie")[2].getheader("Set-Cookie")
assert cookie == "a=1%202; Path=/", cookie
assert request("GET", "/cookie", headers={"Cookie": cookie})[:2] == (200, b"1%202")
assert request("GET", "/nothing")[0] == 404
print("done")
"#;

#[test]
fn python_talks_to_the_server() {
    let (_pallas, machine) = crate::server();
    let port = machine.port.to_string();
    if let Some(text) = output("python3", &["-c", PYTHON, &port]) {
        assert_eq!(text, "done\n");
    }
}
