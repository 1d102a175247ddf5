//! Machines that talk to the outside: `%tcp` with real clients on 127.0.0.1, `%console` with pipes.

use rustix::process::{Pid, Signal, kill_process};
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpStream};
use std::path::Path;
use std::process::{Child, Stdio};
use tests::{Pallas, stderr};

/// One test, because the programs share the cache with the library, which takes long to load.
#[test]
fn machines_talk_to_the_outside() {
    let pallas = Pallas::new();
    for (name, source) in [
        ("echo", include_str!("../fixtures/echo.sire")),
        ("shout", include_str!("../fixtures/shout.sire")),
    ] {
        pallas.write(&format!("sire/{name}.sire"), source);
        let output = pallas.run(["boot", name, &format!("sire/{name}.sire")], "");
        assert!(output.status.success(), "{}", stderr(&output));
    }
    an_echo_server_returns_what_clients_send_and_keeps_its_port(&pallas);
    clients_beyond_the_limit_of_open_files_wait(&pallas);
    an_address_in_use_stops_the_start(&pallas);
    a_program_reads_and_writes_lines(&pallas);
}

/// A machine of `echo.sire` that runs, and the port that it listens on.
struct Echo {
    child: Child,
    port: u16,
}

impl Echo {
    fn start(pallas: &Pallas) -> Echo {
        let mut child = pallas.command(["start", "echo"]).spawn().expect("pallas starts");
        let notices = BufReader::new(child.stderr.take().expect("standard error is a pipe"));
        let line = notices.lines().map_while(Result::ok).find(|line| line.contains("listening"));
        let line = line.expect("the machine listens");
        let port = line.strip_prefix("pallas: listening on 127.0.0.1:").expect("an address");
        Echo { child, port: port.parse().expect("a port") }
    }

    fn client(&self) -> TcpStream {
        TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).expect("the machine listens")
    }

    fn end(mut self, signal: Signal) -> Option<i32> {
        kill_process(Pid::from_child(&self.child), signal).expect("the process exists");
        self.child.wait().expect("it exits").code()
    }
}

/// Sends `bytes` in parts of this size, ends the output, and returns what the machine sends back.
fn echoed(mut client: TcpStream, bytes: Vec<u8>, part: usize) -> Vec<u8> {
    let mut reader = client.try_clone().expect("a second handle");
    let writer = std::thread::spawn(move || {
        for part in bytes.chunks(part) {
            client.write_all(part).expect("sent");
        }
        client.shutdown(Shutdown::Write).expect("ended");
    });
    let mut read = Vec::new();
    reader.read_to_end(&mut read).expect("it can be read");
    writer.join().expect("the writer does not panic");
    read
}

fn an_echo_server_returns_what_clients_send_and_keeps_its_port(pallas: &Pallas) {
    let echo = Echo::start(pallas);
    let idle: Vec<TcpStream> = (0..100).map(|_| echo.client()).collect();
    let mut random = fastrand::Rng::with_seed(1);
    let bytes: Vec<u8> = (0..300_000).map(|_| random.u8(..)).collect();
    let clients = [1, 1000, 1 << 20].map(|part| {
        let (client, bytes) = (echo.client(), bytes[..bytes.len().min(part * 1000)].to_vec());
        std::thread::spawn(move || assert!(echoed(client, bytes.clone(), part) == bytes))
    });
    clients.into_iter().for_each(|client| client.join().expect("all bytes come back"));
    drop(idle);
    let port = echo.port;
    assert_eq!(echo.end(Signal::KILL), None);
    for signal in [Signal::TERM, Signal::INT] {
        let echo = Echo::start(pallas);
        assert_eq!(echo.port, port);
        let kept = std::fs::read_to_string(pallas.path("echo/tcp.port")).expect("the port file");
        assert_eq!(kept, format!("{port}\n"));
        let mut open = echo.client();
        open.write_all(b"x").expect("sent");
        open.read_exact(&mut [0]).expect("it comes back");
        assert_eq!(echo.end(signal), Some(0));
        assert_eq!(open.read(&mut [0]).expect("the end"), 0, "the connection is closed");
    }
}

/// With a limit of 200 open files, the machine keeps 100 for itself.
fn clients_beyond_the_limit_of_open_files_wait(pallas: &Pallas) {
    let script = "ulimit -n 200 && exec \"$0\" start echo";
    let shell = [OsStr::new("-c"), OsStr::new(script), tests::binary().as_os_str()];
    let mut child = pallas.command_of(Path::new("/bin/sh"), shell).spawn().expect("pallas starts");
    let mut notices = BufReader::new(child.stderr.take().expect("standard error is a pipe"));
    let mut line = String::new();
    notices.read_line(&mut line).expect("a notice");
    let port = line.trim_end().rsplit_once(':').and_then(|(_, port)| port.parse().ok());
    let echo = Echo { child, port: port.expect("a port") };
    let mut clients: Vec<TcpStream> = (0..150_u8)
        .map(|number| {
            let mut client = echo.client();
            client.write_all(&[number]).expect("sent");
            client
        })
        .collect();
    let waiting = clients.split_off(100);
    let answered = |client: &mut TcpStream| {
        let mut byte = [0];
        client.read_exact(&mut byte).expect("it comes back");
        byte[0]
    };
    assert!(clients.iter_mut().map(answered).eq(0..100));
    // The notice comes when the machine finds the client that is one too many.
    line.clear();
    notices.read_line(&mut line).expect("a notice");
    assert_eq!(
        line,
        "pallas: clients wait until their connections can be accepted: 100 are open, which is the \
         limit; a higher limit of open files (`ulimit -n`) allows more\n"
    );
    for client in &waiting {
        client.set_nonblocking(true).expect("it can be set");
        let peeked = client.peek(&mut [0]).map_err(|error| error.kind());
        assert_eq!(peeked, Err(ErrorKind::WouldBlock));
        client.set_nonblocking(false).expect("it can be set");
    }
    drop(clients);
    assert!(waiting.into_iter().map(|mut client| answered(&mut client)).eq(100..150));
    assert_eq!(echo.end(Signal::TERM), Some(0));
    let mut rest = String::new();
    notices.read_to_string(&mut rest).expect("text");
    assert_eq!(rest, "", "one notice is enough");
}

fn an_address_in_use_stops_the_start(pallas: &Pallas) {
    let taken = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let address = taken.local_addr().expect("an address").to_string();
    let output = pallas.run(["start", "echo", "--listen", "127.0.0.1:0", "--listen", &address], "");
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains(&format!("cannot listen on {address}: ")), "{output:?}");
}

fn a_program_reads_and_writes_lines(pallas: &Pallas) {
    let mut child =
        pallas.command(["start", "shout"]).stdin(Stdio::piped()).spawn().expect("pallas starts");
    let mut input = child.stdin.take().expect("standard input is a pipe");
    let mut output = BufReader::new(child.stdout.take().expect("standard output is a pipe"));
    let mut next = |count: usize| {
        let mut bytes = vec![0; count];
        output.read_exact(&mut bytes).expect("the program answers");
        String::from_utf8(bytes).expect("text")
    };
    input.write_all(b"one\ntw").expect("sent");
    assert_eq!(next(6), "> one\n");
    input.write_all(b"o\nlast").expect("sent");
    assert_eq!(next(6), "> two\n");
    drop(input);
    assert_eq!(next(9), "> lastend");
    // The program ends, and then nothing can happen to the machine.
    assert_eq!(child.wait().expect("it exits").code(), Some(5));
}
