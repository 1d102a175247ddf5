//! [`StoreReader`]: the thread that reads the store.
//!
//! Pages come in bursts: somebody goes through a tree. So the thread keeps the store open, and the
//! last state that it has computed, until no page was asked for during [`IDLE`]. A machine that is not
//! running is locked meanwhile. A running machine goes on, so its store is viewed anew after
//! [`FRESHNESS`].

use crate::pages::{self, Page};
use crate::question::{PageError, Question};
use machine::control::InspectedStore;
use machine::{MachineHistory, MachineReplay, MachineSettings};
use plan::{HeapOptions, seed};
use show::PrintLimit;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};
use vm::Vm;

/// How long the store stays open after a page.
const IDLE: Duration = Duration::from_secs(1);

/// How old a view of a running machine may be.
const FRESHNESS: Duration = Duration::from_secs(2);

/// The most bytes of the text of one value on a page.
const VALUE_BYTES: u64 = 4 << 10;

/// The native stack of the thread, in bytes: values are printed and read on it.
const STACK_SIZE: usize = 64 << 20;

/// Makes the settings with which states are computed. It is called whenever the store is opened.
type SettingsSource = Box<dyn Fn() -> Result<MachineSettings, String> + Send>;

/// A question, and where the page goes.
type Request = (Question, Sender<Result<Page, PageError>>);

/// Reads a store for pages. Dropping all copies ends the thread.
#[derive(Clone)]
pub struct StoreReader {
    store: Arc<Path>,
    requests: Sender<Request>,
}

impl StoreReader {
    /// Starts the thread that reads the store in a directory. States are computed with what
    /// `settings` returns.
    ///
    /// # Errors
    /// The system refuses to start the thread.
    pub fn start(
        store: PathBuf,
        settings: impl Fn() -> Result<MachineSettings, String> + Send + 'static,
    ) -> std::io::Result<StoreReader> {
        let store: Arc<Path> = store.into();
        let (requests, inbox) = channel();
        let (directory, settings): (_, SettingsSource) = (Arc::clone(&store), Box::new(settings));
        thread::Builder::new().name("inspect-reader".into()).stack_size(STACK_SIZE).spawn(
            move || {
                let mut next = inbox.recv().ok();
                while let Some(request) = next {
                    next =
                        serve(&directory, &settings, request, &inbox).or_else(|| inbox.recv().ok());
                }
            },
        )?;
        Ok(StoreReader { store, requests })
    }

    /// The directory of the store.
    pub(crate) fn store(&self) -> &Path {
        &self.store
    }

    /// Makes a page. Blocks until it is made.
    pub(crate) fn ask(&self, question: Question) -> Result<Page, PageError> {
        let (sender, page) = channel();
        let ended = || PageError::Store("the reader of the store has ended".into());
        self.requests.send((question, sender)).map_err(|_| ended())?;
        page.recv().map_err(|_| ended())?
    }
}

/// Opens the store and answers requests until none comes for a while. Returns a request for which the
/// view is too old.
fn serve(
    directory: &Path,
    settings: &SettingsSource,
    (mut question, mut reply): Request,
    inbox: &Receiver<Request>,
) -> Option<Request> {
    let opened = Instant::now();
    let store = InspectedStore::open(directory).map_err(PageError::store);
    let history = store.and_then(|store| {
        let settings = settings().map_err(PageError::Store)?;
        let history = MachineHistory::open(&store.inspection, settings);
        Ok((store, history.map_err(PageError::store)?))
    });
    // The history is dropped before the inspection, which it must not outlive.
    let (store, history) = match history {
        Ok(opened) => opened,
        Err(error) => {
            // A client that has gone needs no answer.
            let _ = reply.send(Err(error));
            return None;
        }
    };
    let is_running = store.is_running();
    let mut reading = match StoreReading::new(directory, &history, &store) {
        Ok(reading) => reading,
        Err(error) => {
            let _ = reply.send(Err(error));
            return None;
        }
    };
    loop {
        let _ = reply.send(pages::page(&mut reading, &question));
        (question, reply) = inbox.recv_timeout(IDLE).ok()?;
        if is_running && opened.elapsed() > FRESHNESS {
            return Some((question, reply));
        }
    }
}

/// What pages are made from.
pub(crate) struct StoreReading<'s> {
    pub(crate) directory: &'s Path,
    pub(crate) history: &'s MachineHistory,
    pub(crate) store: &'s InspectedStore,
    /// The replay that computed the last state.
    replay: Option<MachineReplay<'s>>,
    /// The heap for values of the log.
    values: Vm,
}

impl<'s> StoreReading<'s> {
    fn new(
        directory: &'s Path,
        history: &'s MachineHistory,
        store: &'s InspectedStore,
    ) -> Result<StoreReading<'s>, PageError> {
        let values = Vm::new(HeapOptions::default(), Arc::default()).map_err(PageError::store)?;
        Ok(StoreReading { directory, history, store, replay: None, values })
    }

    /// The text of a value of the log.
    pub(crate) fn text(&mut self, value: &[u8]) -> String {
        let limit =
            PrintLimit { bytes: VALUE_BYTES, message_bytes: VALUE_BYTES, ..PrintLimit::DEFAULT };
        match seed::load(&mut self.values, value) {
            Ok(value) => show::value_text(self.values.look(&value), limit).trim_end().to_owned(),
            Err(error) => format!("({error})"),
        }
    }

    /// A replay that has arrived at the state after an event.
    pub(crate) fn state_after(&mut self, event: u64) -> Result<&mut MachineReplay<'s>, PageError> {
        let (first, last) = (self.history.first_state(), self.history.last());
        if !(first..=last).contains(&event) {
            return Err(PageError::Missing(format!(
                "The states after the events {first} to {last} can be shown, not the one after \
                 event {event}."
            )));
        }
        let mut replay = match self.replay.take() {
            Some(replay) if replay.event() <= event => replay,
            _ => self.history.replay_at(event).map_err(PageError::store)?,
        };
        replay.advance(event, |_| {}).map_err(PageError::store)?;
        Ok(self.replay.insert(replay))
    }
}
