//! [`ControlClient`]: the other end of the control socket.

use super::SOCKET_NAME;
use super::message::{ControlAnswer, ControlOperation, ControlRequest, VERSION};
use crate::message::WorkerCalls;
use crate::platform::SocketPath;
use crate::upgrade_check::{UpgradeCheck, UpgradeReport};
use persist::{SetAsideId, StoreInspection, ViewDisk};
use plan::Hash;
use profile::SampledProfile;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The longest answer, in bytes.
const MAX_ANSWER: u64 = 1 << 30;

/// How many views a client asks for, if files are removed before it has opened them.
const ATTEMPTS: u32 = 5;

/// Why a running machine did not answer.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// There is no socket, or the connection failed.
    #[error("{}: {}", path.display(), connection_problem(error))]
    Connection {
        /// The socket.
        path: PathBuf,
        /// The error of the system.
        error: io::Error,
    },
    /// The machine has refused the request, for this reason.
    #[error("the running machine answers: {0}")]
    Refused(String),
    /// The answer is not one to the request.
    #[error("{}: the answer of the running machine is not understood", path.display())]
    Answer {
        /// The socket.
        path: PathBuf,
    },
    /// The files of the machine cannot be inspected.
    #[error(transparent)]
    Open(#[from] persist::OpenError),
}

/// Says why there is no connection. A socket that is missing, or that nothing listens on, is that of no
/// running machine.
fn connection_problem(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
            format!("no machine runs in this directory, or it cannot be reached: {error}")
        }
        _ => format!("the running machine cannot be asked: {error}"),
    }
}

/// A connection to a running machine.
pub struct ControlClient {
    directory: PathBuf,
    stream: BufReader<UnixStream>,
}

impl ControlClient {
    /// Connects to the machine that runs in a store.
    ///
    /// # Errors
    /// [`ControlError::Connection`].
    pub fn connect(directory: &Path) -> Result<ControlClient, ControlError> {
        let connect = || {
            let path = SocketPath::new(directory, SOCKET_NAME)?;
            UnixStream::connect(path.path())
        };
        let path = || directory.join(SOCKET_NAME);
        let stream = connect().map_err(|error| ControlError::Connection { path: path(), error })?;
        Ok(ControlClient { directory: directory.into(), stream: BufReader::new(stream) })
    }

    fn path(&self) -> PathBuf {
        self.directory.join(SOCKET_NAME)
    }

    fn request(&mut self, operation: ControlOperation) -> Result<ControlAnswer, ControlError> {
        let answer = self.exchange(operation);
        match answer.map_err(|error| ControlError::Connection { path: self.path(), error })? {
            ControlAnswer::Error(reason) => Err(ControlError::Refused(reason)),
            answer => Ok(answer),
        }
    }

    fn exchange(&mut self, operation: ControlOperation) -> io::Result<ControlAnswer> {
        let mut line = serde_json::to_vec(&ControlRequest { version: VERSION, operation })?;
        line.push(b'\n');
        // A machine that refuses the client answers without reading, so its answer comes first.
        let sent = self.stream.get_mut().write_all(&line);
        let mut answer = Vec::new();
        let received = self.stream.by_ref().take(MAX_ANSWER).read_until(b'\n', &mut answer);
        if received.as_ref().is_ok_and(|length| *length == 0) || received.is_err() {
            sent?;
        }
        if received? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(serde_json::from_slice(&answer)?)
    }

    fn misunderstood(&self) -> ControlError {
        ControlError::Answer { path: self.path() }
    }

    /// Inspects the store of the running machine, as it is now. The result is valid until the
    /// connection ends: see [`confirm`](Self::confirm).
    ///
    /// # Errors
    /// See [`ControlError`].
    pub fn inspect(&mut self) -> Result<StoreInspection, ControlError> {
        let mut attempt = 1;
        loop {
            let ControlAnswer::View(files) = self.request(ControlOperation::View)? else {
                return Err(self.misunderstood());
            };
            match ViewDisk::open(&self.directory, &files) {
                Ok(disk) => return Ok(StoreInspection::open_on(Arc::new(disk))?),
                Err(error) if error.kind() == io::ErrorKind::NotFound && attempt < ATTEMPTS => {
                    attempt += 1;
                }
                Err(error) => {
                    return Err(ControlError::Connection { path: self.directory.clone(), error });
                }
            }
        }
    }

    /// Fails if what was inspected may have changed since.
    ///
    /// # Errors
    /// See [`ControlError`].
    pub fn confirm(&mut self) -> Result<(), ControlError> {
        match self.request(ControlOperation::Confirm)? {
            ControlAnswer::Confirmed => Ok(()),
            _ => Err(self.misunderstood()),
        }
    }

    /// Returns the metrics of the machine, in the text format of Prometheus.
    ///
    /// # Errors
    /// See [`ControlError`].
    pub fn metrics(&mut self) -> Result<String, ControlError> {
        match self.request(ControlOperation::Metrics)? {
            ControlAnswer::Metrics(text) => Ok(text),
            _ => Err(self.misunderstood()),
        }
    }

    /// Returns the open calls of the drivers, by ascending slots: at most 10,000 drivers, and 100 calls
    /// of each. A driver that computes for long is missing.
    ///
    /// # Errors
    /// See [`ControlError`].
    pub fn calls(&mut self) -> Result<Vec<WorkerCalls>, ControlError> {
        match self.request(ControlOperation::Calls)? {
            ControlAnswer::Calls(calls) => Ok(calls),
            _ => Err(self.misunderstood()),
        }
    }

    /// Returns durable events after one, with the bytes of their records. It may return fewer than
    /// there are; none if there are none.
    ///
    /// # Errors
    /// See [`ControlError`].
    pub fn events(&mut self, after: u64) -> Result<Vec<(u64, Vec<u8>)>, ControlError> {
        match self.request(ControlOperation::Events { after })? {
            ControlAnswer::Events(events) => {
                let events: Option<Vec<(u64, Vec<u8>)>> = events
                    .iter()
                    .map(|(event, digits)| Some((*event, from_hex(digits)?)))
                    .collect();
                events.ok_or_else(|| self.misunderstood())
            }
            _ => Err(self.misunderstood()),
        }
    }

    /// Has the machine sample the CPU time of its cog for a number of seconds, or allocation with an
    /// interval of that many bytes, and returns the profile.
    ///
    /// # Errors
    /// See [`ControlError`].
    pub fn profile(
        &mut self,
        seconds: u32,
        allocation_interval: Option<usize>,
    ) -> Result<SampledProfile, ControlError> {
        match self.request(ControlOperation::Profile { seconds, allocation_interval })? {
            ControlAnswer::Profile(profile) => Ok(profile),
            _ => Err(self.misunderstood()),
        }
    }

    /// Upgrades the running machine to a program, which is in a file as a seed.
    ///
    /// # Errors
    /// See [`ControlError`]. Unless it is [`ControlError::Refused`], the upgrade may have happened.
    pub fn upgrade(
        &mut self,
        program: Hash,
        file: &Path,
        check: UpgradeCheck,
    ) -> Result<UpgradeReport, ControlError> {
        let (rehearsed, max_lag) = match check {
            UpgradeCheck::Forced => (None, None),
            UpgradeCheck::Rehearsed { at, max_lag } => (at, Some(max_lag)),
        };
        let (program, file) = (program.to_string(), file.into());
        let operation = ControlOperation::Upgrade { file, program, rehearsed, max_lag };
        match self.request(operation)? {
            ControlAnswer::Upgraded(fields) => {
                fields.to_report().ok_or_else(|| self.misunderstood())
            }
            _ => Err(self.misunderstood()),
        }
    }

    /// Removes inputs that were set aside. Returns how many there were.
    ///
    /// # Errors
    /// See [`ControlError`].
    pub fn discard(&mut self, ids: &[SetAsideId]) -> Result<usize, ControlError> {
        let ids = ids.iter().map(|id| format!("{:032x}", u128::from_be_bytes(*id))).collect();
        match self.request(ControlOperation::Discard { ids })? {
            ControlAnswer::Discarded(count) => Ok(count),
            _ => Err(self.misunderstood()),
        }
    }
}

/// Parses hexadecimal digits.
fn from_hex(digits: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    let byte = |pair: &[u8; 2]| {
        let digit = |byte: u8| char::from(byte).to_digit(16);
        u8::try_from(digit(pair[0])? << 4 | digit(pair[1])?).ok()
    };
    pairs.iter().map(byte).collect::<Option<Vec<u8>>>().filter(|_| rest.is_empty())
}
