use super::*;
use crate::mailbox::{Doorbell, mailbox};
use crate::metrics::MetricsRecorder;
use persist::{Store, StoreSettings};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A store with a control socket, and its directory.
struct Controlled {
    server: Option<ControlServer>,
    store: Arc<Store>,
    directory: PathBuf,
    _temporary: tempfile::TempDir,
}

fn controlled(name: &str) -> Controlled {
    let temporary = tempfile::tempdir().expect("a directory");
    let directory = temporary.path().join(name);
    let store = Store::create_with(&directory, StoreSettings::default()).expect("a new store");
    let store = Arc::new(store);
    let server = serve(&directory, &store);
    Controlled { server: Some(server), store, directory, _temporary: temporary }
}

fn serve(directory: &Path, store: &Arc<Store>) -> ControlServer {
    let metrics = Arc::new(MetricsRecorder::new(store.written_pins(), Arc::default()));
    // No event loop receives the messages.
    let doorbell = Arc::new(Doorbell::of_current_thread());
    let control = mailbox(&doorbell, usize::MAX).0;
    let machine = ControlledMachine { store: Arc::downgrade(store), metrics, control };
    ControlServer::start(directory, machine).expect("a socket")
}

fn connect(directory: &Path) -> UnixStream {
    UnixStream::connect(directory.join(SOCKET_NAME)).expect("it listens")
}

/// Sends a line, and returns the line of the answer.
fn ask(stream: &mut UnixStream, line: &[u8]) -> String {
    stream.write_all(line).expect("sent");
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).expect("an answer");
    answer
}

#[test]
fn a_client_gets_metrics_and_the_files_of_the_store() {
    let Controlled { store, directory, server, .. } = &controlled("store");
    store.append(b"an event").expect("room");
    let mut client = ControlClient::connect(directory).expect("it listens");
    assert!(client.metrics().expect("metrics").contains("pallas_events_total 0"));
    assert!(matches!(client.confirm(), Err(ControlError::Refused(_))), "no view yet");
    let inspection = client.inspect().expect("a view");
    store.append(b"a later one").expect("room");
    store.commit().expect("room");
    assert_eq!(inspection.usage().expect("whole").log_segments, 1);
    client.confirm().expect("the view exists");
    let id = store.set_aside(b"input").expect("room");
    assert_eq!(client.discard(&[id, [1; 16]]).expect("removed"), 1);
    assert_eq!(store.set_aside_inputs().expect("readable").records, []);
    assert_eq!(client.events(1).expect("events"), [(2, b"a later one".to_vec())]);
    assert_eq!(client.events(2).expect("no events"), []);
    let (hash, check) = (plan::Hash([1; 32]), crate::UpgradeCheck::Forced);
    let refused = client.upgrade(hash, &directory.join("no file"), check);
    assert!(matches!(refused, Err(ControlError::Refused(_))), "{refused:?}");
    std::fs::write(directory.join("program"), b"seed").expect("room");
    let refused = client.upgrade(hash, &directory.join("program"), check);
    assert!(matches!(refused, Err(ControlError::Refused(_))), "{refused:?}");
    let mode = directory.join(SOCKET_NAME).metadata().expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(server.is_some());
}

#[test]
fn no_garbage_is_collected_while_there_is_a_view() {
    let Controlled { store, directory, .. } = &controlled("store");
    let begin = || persist::collect::BackgroundCollection::begin(store);
    let mut client = ControlClient::connect(directory).expect("it listens");
    drop(begin().expect("there is no view"));
    let inspection = client.inspect().expect("a view");
    assert!(begin().is_none());
    drop((inspection, client));
    // The machine notices the end of the connection soon.
    while begin().is_none() {
        std::thread::yield_now();
    }
}

#[test]
fn the_socket_is_removed_at_the_end_and_a_stale_one_is_replaced() {
    let mut controlled = controlled("store");
    let path = controlled.directory.join(SOCKET_NAME);
    drop(controlled.server.take());
    assert!(!path.exists());
    // A process that was killed leaves its socket.
    drop(std::os::unix::net::UnixListener::bind(&path).expect("a socket"));
    assert!(matches!(
        ControlClient::connect(&controlled.directory),
        Err(ControlError::Connection { .. })
    ));
    let _server = serve(&controlled.directory, &controlled.store);
    let mut client = ControlClient::connect(&controlled.directory).expect("it listens");
    assert!(client.metrics().is_ok());
}

#[test]
fn a_long_path_is_no_obstacle() {
    let controlled = controlled(&"long/".repeat(40));
    assert!(controlled.directory.as_os_str().len() > 200);
    let mut client = ControlClient::connect(&controlled.directory).expect("it listens");
    assert!(client.inspect().is_ok() && client.confirm().is_ok());
}

#[test]
fn garbage_is_answered_with_an_error_and_does_no_harm() {
    let Controlled { directory, .. } = &controlled("store");
    for line in [
        &b"\n"[..],
        b"garbage\n",
        b"\xff\xfe\n",
        b"{}\n",
        b"{\"version\":2,\"operation\":\"view\"}\n",
        b"{\"version\":1,\"operation\":\"inspect\"}\n",
        b"{\"version\":1,\"operation\":\"discard\",\"ids\":[\"xyz\"]}\n",
        b"{\"version\":1,\"operation\":\"confirm\"}\n",
    ] {
        let answer = ask(&mut connect(directory), line);
        assert!(answer.starts_with("{\"error\":"), "{answer}");
    }
    let mut endless = connect(directory);
    // The server reads no more than the limit of a request, then ends the connection.
    let _ = endless.write_all(&vec![b'x'; 3 << 20]);
    let mut answer = Vec::new();
    let _ = endless.read_to_end(&mut answer);
    assert!(answer.is_empty() || answer.starts_with(b"{\"error\":"));
    assert!(ControlClient::connect(directory).expect("it listens").metrics().is_ok());
}

#[test]
fn clients_are_bounded_and_silent_ones_end_with_the_server() {
    let mut controlled = controlled("store");
    let metrics = b"{\"version\":1,\"operation\":\"metrics\"}\n";
    let mut silent: Vec<UnixStream> = Vec::new();
    for _ in 0..server::MAX_CLIENTS {
        let mut client = connect(&controlled.directory);
        assert!(ask(&mut client, metrics).starts_with("{\"metrics\":"));
        silent.push(client);
    }
    let mut refused = ControlClient::connect(&controlled.directory).expect("it listens");
    match refused.metrics() {
        Err(ControlError::Refused(reason)) => assert_eq!(reason, "too many clients"),
        other => panic!("{other:?}"),
    }
    silent.pop();
    while ControlClient::connect(&controlled.directory).is_ok_and(|mut it| it.metrics().is_err()) {
        std::thread::yield_now();
    }
    drop(controlled.server.take());
    let mut rest = Vec::new();
    assert_eq!(silent[0].read_to_end(&mut rest).expect("the end"), 0);
}
