//! The service that `demo_notepad` is compared with: one note, read by `GET /note` and replaced by
//! `PUT /note`, with axum over SQLite.
//!
//! ```text
//! cargo run --release --package bench --features rivals --bin sqlite-service -- FILE PORT
//! ```
//!
//! It is the service that a Rust developer would write first: the database is in WAL mode with
//! `synchronous=FULL`, so each write is durable before it is answered. A read uses a connection of
//! its thread, and takes microseconds, so it stays on the thread of the request. A write waits for
//! the disk, so it runs on a thread for blocking work.

#![forbid(unsafe_code)]

use anyhow::{Context, Result};
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use rusqlite::Connection;
use std::cell::OnceCell;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;

/// What the handlers share: the file, and the connection that writes.
struct Notes {
    file: PathBuf,
    writer: Mutex<Connection>,
}

thread_local! {
    static READER: OnceCell<Connection> = const { OnceCell::new() };
}

fn main() -> Result<()> {
    let usage = "usage: sqlite-service FILE PORT";
    let mut args = std::env::args().skip(1);
    let file = PathBuf::from(args.next().context(usage)?);
    let port: u16 = args.next().context(usage)?.parse().context(usage)?;
    let notes = Arc::new(Notes { writer: Mutex::new(open(&file)?), file });
    create(&notes)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_io().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        println!("listening on {}", listener.local_addr()?);
        let router = Router::new().route("/note", get(read).put(write)).with_state(notes);
        axum::serve(listener, router).await.context("the server ended")
    })
}

/// Opens the database so that a committed write survives a loss of power.
fn open(file: &Path) -> Result<Connection> {
    let connection = Connection::open(file)?;
    connection.busy_timeout(Duration::from_secs(60))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    Ok(connection)
}

fn create(notes: &Notes) -> Result<()> {
    let writer = notes.writer.lock().expect("nothing has panicked");
    writer.execute("CREATE TABLE IF NOT EXISTS note (id INTEGER PRIMARY KEY, text TEXT)", [])?;
    writer.execute("INSERT OR IGNORE INTO note VALUES (1, '')", [])?;
    Ok(())
}

async fn read(State(notes): State<Arc<Notes>>) -> Result<String, StatusCode> {
    let text = READER.with(|reader| -> Result<String> {
        if reader.get().is_none() {
            let _ = reader.set(open(&notes.file)?);
        }
        let connection = reader.get().context("the connection was opened")?;
        let mut query = connection.prepare_cached("SELECT text FROM note WHERE id = 1")?;
        Ok(query.query_row([], |row| row.get(0))?)
    });
    text.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}

async fn write(State(notes): State<Arc<Notes>>, text: String) -> Result<StatusCode, StatusCode> {
    let written = tokio::task::spawn_blocking(move || -> Result<()> {
        let writer = notes.writer.lock().expect("nothing has panicked");
        writer.prepare_cached("UPDATE note SET text = ?1 WHERE id = 1")?.execute([text])?;
        Ok(())
    });
    match written.await {
        Ok(Ok(())) => Ok(StatusCode::NO_CONTENT),
        _ => Err(StatusCode::INTERNAL_SERVER_ERROR),
    }
}
