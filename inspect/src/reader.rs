//! [`StoreReader`]: the thread that reads the store.
//!
//! Pages of a running machine come in bursts: somebody goes through a tree. So the thread keeps the
//! view of it, and the last state that it has computed, until no page was asked for during [`IDLE`],
//! or the view is older than [`FRESHNESS`]. A store without a machine is locked for each page alone,
//! and released before the page is sent: the machine can be started at any time.

use crate::pages::{self, Page};
use crate::question::{PageError, Question};
use crate::reading::StoreReading;
use machine::control::InspectedStore;
use machine::{MachineHistory, MachineSettings};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

/// How long a view stays open after a page.
const IDLE: Duration = Duration::from_secs(1);

/// How old a view of a running machine may be.
const FRESHNESS: Duration = Duration::from_secs(2);

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
    let reading = StoreReading::new(directory, &history, &store);
    let mut reading = match reading {
        Ok(reading) => reading,
        Err(error) => {
            let _ = reply.send(Err(error));
            return None;
        }
    };
    if !store.is_running() {
        let page = pages::page(&mut reading, &question);
        drop(reading);
        drop(history);
        drop(store);
        let _ = reply.send(page);
        return None;
    }
    loop {
        let _ = reply.send(pages::page(&mut reading, &question));
        (question, reply) = inbox.recv_timeout(IDLE).ok()?;
        if opened.elapsed() > FRESHNESS {
            return Some((question, reply));
        }
    }
}
