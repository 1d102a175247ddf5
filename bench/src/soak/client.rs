//! [`Client`]: writes growing numbers, and compares what it reads with what was answered.

use crate::Shared;
use anyhow::{Result, bail};
use bench::HttpConnection;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

/// How long a client tries to reach the machine before it gives up.
const PATIENCE: Duration = Duration::from_secs(120);

/// What clients have done and seen.
#[derive(Default)]
pub(crate) struct Tally {
    /// Writes that were answered.
    pub(crate) answered: u64,
    /// Numbers that were read and compared.
    pub(crate) compared: u64,
    /// What was wrong.
    pub(crate) lost: Vec<String>,
}

impl Tally {
    /// Adds the tally of another client.
    pub(crate) fn add(&mut self, other: &Tally) {
        self.answered += other.answered;
        self.compared += other.compared;
        self.lost.extend_from_slice(&other.lost);
    }
}

/// The numbers of one key; 0 is the state before the first write.
#[derive(Clone, Copy, Default)]
struct Entry {
    /// The last number whose write was answered.
    answered: u64,
    /// The last number that was sent.
    sent: u64,
}

/// A client with keys of its own.
pub(crate) struct Client {
    id: u64,
    entries: Vec<Entry>,
    shared: Arc<Shared>,
    connection: Option<HttpConnection>,
    tally: Tally,
}

impl Client {
    pub(crate) fn new(id: u64, keys: u64, shared: Arc<Shared>) -> Client {
        let entries = vec![Entry::default(); usize::try_from(keys).unwrap_or(1).max(1)];
        Client { id, entries, shared, connection: None, tally: Tally::default() }
    }

    /// Writes until the soak is over, and compares after each start of the machine.
    ///
    /// # Errors
    /// If the machine cannot be reached, or answers with a status other than 2xx.
    pub(crate) fn run(mut self) -> Result<Tally> {
        let mut seen = self.shared.starts.load(Ordering::SeqCst);
        let mut key = 0;
        while !self.shared.is_over.load(Ordering::SeqCst) {
            let starts = self.shared.starts.load(Ordering::SeqCst);
            if starts != seen {
                self.compare()?;
                seen = starts;
            }
            self.write(key)?;
            key = (key + 1) % self.entries.len();
        }
        self.compare()?;
        Ok(self.tally)
    }

    /// Writes the next number to a key. If the connection breaks, the write may have happened or
    /// not, and is not repeated.
    fn write(&mut self, key: usize) -> Result<()> {
        let number = self.entries[key].sent + 1;
        self.entries[key].sent = number;
        let path = self.path(key);
        match self.connection()?.request("PUT", &path, &number.to_string()) {
            Ok(answer) if (200..300).contains(&answer.status) => {
                self.entries[key].answered = number;
                self.tally.answered += 1;
            }
            Ok(answer) => bail!("PUT {path}: status {} {}", answer.status, answer.body),
            Err(_) => self.connection = None,
        }
        Ok(())
    }

    /// Reads all keys, and compares them.
    fn compare(&mut self) -> Result<()> {
        for key in 0..self.entries.len() {
            let path = self.path(key);
            let number = self.read(&path)?;
            let Entry { answered, sent } = self.entries[key];
            if !(answered..=sent).contains(&number) {
                let wrong = format!("{path} is {number}; answered {answered}, sent {sent}");
                self.tally.lost.push(wrong);
            }
            // What was read is durable, so it counts as answered. Later numbers may still arrive:
            // a request that the killed machine had received is gone with it, but one that the
            // new machine received may not have been applied yet.
            self.entries[key].answered = number.max(answered);
            self.tally.compared += 1;
        }
        Ok(())
    }

    /// Reads a key; 0 if it was never written. Repeats the request if the machine is killed.
    fn read(&mut self, path: &str) -> Result<u64> {
        let begin = Instant::now();
        loop {
            match self.connection()?.request("GET", path, "") {
                Ok(answer) if answer.status == 404 => return Ok(0),
                Ok(answer) if answer.status == 200 => match answer.body.trim().parse() {
                    Ok(number) => return Ok(number),
                    Err(_) => bail!("GET {path}: {:?}", answer.body),
                },
                Ok(answer) => bail!("GET {path}: status {} {}", answer.status, answer.body),
                Err(error) if begin.elapsed() > PATIENCE => bail!("GET {path}: {error}"),
                Err(_) => self.connection = None,
            }
        }
    }

    fn path(&self, key: usize) -> String {
        format!("/entries/{}-{key}", self.id)
    }

    /// The connection; a new one, if the last one broke. Waits while the machine does not run.
    fn connection(&mut self) -> Result<&mut HttpConnection> {
        let begin = Instant::now();
        while self.connection.is_none() {
            self.connection = match HttpConnection::open(self.shared.port) {
                Ok(connection) => Some(connection),
                Err(error) if begin.elapsed() > PATIENCE => return Err(unreachable(&error)),
                Err(_) => {
                    thread::sleep(Duration::from_millis(10));
                    None
                }
            };
        }
        match &mut self.connection {
            Some(connection) => Ok(connection),
            None => bail!("no connection"),
        }
    }
}

fn unreachable(error: &io::Error) -> anyhow::Error {
    anyhow::anyhow!("the machine cannot be reached: {error}")
}
