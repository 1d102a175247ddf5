//! A store that another process has open. This is a separate test binary because a child process
//! holds the locks of all threads of its parent until its `exec`.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use persist::{OpenError, Seq, Store};

const HELD_BY_CHILD: &str = "PERSIST_TEST_HELD_BY_CHILD";

/// The child process of the test below. It opens the store and holds it until it is killed.
#[test]
fn child_that_holds_the_store() {
    let Some(dir) = std::env::var_os(HELD_BY_CHILD) else { return };
    let store = Store::open(dir).unwrap();
    store.append(b"by the child").unwrap();
    store.commit().unwrap();
    eprintln!("open");
    let _ = std::io::stdin().read(&mut [0]);
}

#[test]
fn a_store_stays_locked_until_its_process_ends() {
    let dir = tempfile::tempdir().unwrap();
    Store::create(dir.path()).unwrap().close().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_that_holds_the_store", "--nocapture"])
        .env(HELD_BY_CHILD, dir.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(lines.map_while(Result::ok).any(|line| line == "open"));

    assert!(matches!(Store::open(dir.path()), Err(OpenError::InUse { .. })));
    // SIGKILL: no clean-up runs, and the system releases the lock.
    child.kill().unwrap();
    child.wait().unwrap();
    let store = Store::open(dir.path()).unwrap();
    assert_eq!(store.last(), Seq(1));
}
