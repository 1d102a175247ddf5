//! The evaluation worker: analyses open texts, and answers questions about their names.
//!
//! The worker owns the session, because values cannot leave their thread. It repeats a round: take
//! messages, answer what can be answered, do one step of one analysis. Texts that have just been edited
//! wait until the person stops typing for a moment.
//!
//! A defect that makes a step panic, or a heap that cannot be used any more, ends the session. The
//! worker begins a new one, and leaves the text alone until it is edited.

mod answers;

use crate::definition::AnswerContext;
use crate::documents::OpenDocument;
use crate::library_files::LibraryFiles;
use crate::published::published;
use crate::questions::NameQuestion;
use crate::syntax_worker::{Answer, response_error};
use crate::text_position::{ColumnUnit, TextLines};
use crate::watchdog::EvaluationWatchdog;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use lsp_server::ErrorCode;
use lsp_types::{Diagnostic as PublishedDiagnostic, MessageType, Uri};
use sire::{
    AnalysisProgress, Diagnostic, EvaluationInterrupt, ModuleAnalysis, ModuleArgument, Sire,
};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The time for which a module may be loaded, as a multiple of the limit of a block.
const LOAD_FACTOR: u32 = 20;
/// The time limit of assertions that a person runs, as a multiple of the limit of a block.
const RUN_FACTOR: u32 = 10;
/// How often the diagnostics of an analysis in progress are published.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(700);
/// The largest number of analyses of files that are not open.
const BACKGROUND_MAX: usize = 64;

/// A message to the worker.
pub(crate) enum WorkerMessage {
    /// A text was opened or edited.
    Changed {
        document: OpenDocument,
        /// How long to wait for further edits.
        delay: Duration,
    },
    /// A text was closed.
    Closed(PathBuf),
    /// Files were changed by another program.
    FilesChanged(Vec<PathBuf>),
    /// A question.
    Ask(NameQuestion),
}

/// A message of the worker.
pub(crate) enum WorkerEvent {
    Answer(Answer),
    Publish { uri: Uri, version: i32, diagnostics: Vec<PublishedDiagnostic> },
    Show { kind: MessageType, text: String },
    Log(String),
}

impl From<Answer> for WorkerEvent {
    fn from(answer: Answer) -> WorkerEvent {
        WorkerEvent::Answer(answer)
    }
}

/// What the worker is started with.
pub(crate) struct WorkerSettings {
    /// Makes a session, which uses the overlay of the open texts.
    pub(crate) make_session: Box<dyn Fn() -> anyhow::Result<Sire> + Send>,
    pub(crate) library: LibraryFiles,
    pub(crate) unit: ColumnUnit,
    /// The folders of the project.
    pub(crate) roots: Vec<PathBuf>,
    /// How long the evaluation of a block may take.
    pub(crate) time_limit: Duration,
}

/// A text that the worker knows.
struct WorkedText {
    /// The open text; none for a file that only an answer needs.
    document: Option<OpenDocument>,
    lines: TextLines,
    analysis: Option<ModuleAnalysis>,
    /// When the analysis of the text begins; none if it has begun.
    due: Option<Instant>,
    /// When the text was opened or edited.
    touched: Instant,
    last_published: Option<Instant>,
    /// When its analysis began.
    began: Option<Instant>,
    /// Whether the limit of time is that of assertions that a person runs.
    is_run: bool,
    /// Whether the text cannot be analysed: that has ended a session, or it can be no module.
    is_defective: bool,
}

impl WorkedText {
    /// Makes the entry of a text that is in no analysis yet.
    fn new(lines: TextLines) -> WorkedText {
        WorkedText {
            document: None,
            lines,
            analysis: None,
            due: None,
            touched: Instant::now(),
            last_published: None,
            began: None,
            is_run: false,
            is_defective: false,
        }
    }

    /// Returns whether the text of this entry has been analysed.
    fn is_done(&self) -> bool {
        self.is_defective
            || self.due.is_none() && self.analysis.as_ref().is_none_or(ModuleAnalysis::is_complete)
    }
}

/// A session, and the handle that ends its evaluations.
struct EvaluationSession {
    sire: Sire,
    handle: EvaluationInterrupt,
}

/// The worker.
pub(crate) struct EvaluationWorker {
    settings: WorkerSettings,
    messages: Receiver<WorkerMessage>,
    events: Sender<WorkerEvent>,
    watchdog: EvaluationWatchdog,
    texts: HashMap<PathBuf, WorkedText>,
    questions: Vec<NameQuestion>,
}

impl EvaluationWorker {
    pub(crate) fn new(
        settings: WorkerSettings,
        messages: Receiver<WorkerMessage>,
        events: Sender<WorkerEvent>,
        watchdog: EvaluationWatchdog,
    ) -> EvaluationWorker {
        let (texts, questions) = (HashMap::new(), Vec::new());
        EvaluationWorker { settings, messages, events, watchdog, texts, questions }
    }

    /// Runs until the server ends.
    pub(crate) fn run(mut self) {
        loop {
            let mut session = match (self.settings.make_session)() {
                Ok(sire) => EvaluationSession { handle: sire.interrupt_handle(), sire },
                Err(error) => {
                    let text = format!("pallas cannot start its runtime: {error:#}");
                    self.send(WorkerEvent::Show { kind: MessageType::ERROR, text });
                    return;
                }
            };
            let mut current = None;
            let rounds = AssertUnwindSafe(|| self.rounds(&mut session, &mut current));
            match catch_unwind(rounds) {
                Ok(RoundsEnd::ServerEnded) => return,
                Ok(RoundsEnd::SessionEnded(reason)) => self.send(WorkerEvent::Log(reason)),
                Err(_) => self.send(WorkerEvent::Log("a step of an analysis panicked".into())),
            }
            self.watchdog.end();
            self.begin_again(current.as_deref());
        }
    }

    /// Forgets what belongs to the session that has ended, and leaves out the text that ended it.
    fn begin_again(&mut self, defective: Option<&Path>) {
        self.texts.retain(|_, text| text.document.is_some());
        for (path, text) in &mut self.texts {
            text.analysis = None;
            text.due = Some(Instant::now());
            text.is_defective = Some(path.as_path()) == defective;
        }
        for question in std::mem::take(&mut self.questions) {
            let error = response_error(ErrorCode::InternalError, "the session ended");
            self.send(Answer { id: question.id, result: Err(error) }.into());
        }
    }

    fn send(&self, event: WorkerEvent) {
        // The server is gone only when the process ends.
        let _ = self.events.send(event);
    }

    /// Repeats rounds. `current` is the file that is being worked on.
    fn rounds(
        &mut self,
        session: &mut EvaluationSession,
        current: &mut Option<PathBuf>,
    ) -> RoundsEnd {
        loop {
            if self.watchdog.is_closed() || !self.take_messages() {
                return RoundsEnd::ServerEnded;
            }
            self.answer_questions(session, current);
            let Some(path) = self.next_path() else { continue };
            *current = Some(path.clone());
            if let Err(reason) = self.step(session, &path) {
                return RoundsEnd::SessionEnded(reason);
            }
            *current = None;
            // Before the worker waits for messages again.
            self.answer_questions(session, current);
        }
    }

    /// Takes the messages that have arrived. Waits if there is nothing else to do. Returns whether the
    /// server still runs.
    fn take_messages(&mut self) -> bool {
        let next_due = self.texts.values().filter_map(|text| text.due).min();
        let has_work = self.next_path().is_some();
        let first = match (has_work, next_due) {
            (true, _) => self.messages.try_recv().map_err(|error| match error {
                crossbeam_channel::TryRecvError::Empty => RecvTimeoutError::Timeout,
                crossbeam_channel::TryRecvError::Disconnected => RecvTimeoutError::Disconnected,
            }),
            (false, Some(due)) => self.messages.recv_deadline(due),
            (false, None) => self.messages.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match first {
            Ok(message) => self.take(message),
            Err(RecvTimeoutError::Timeout) => return true,
            Err(RecvTimeoutError::Disconnected) => return false,
        }
        while let Ok(message) = self.messages.try_recv() {
            self.take(message);
        }
        true
    }

    fn take(&mut self, message: WorkerMessage) {
        let now = Instant::now();
        match message {
            WorkerMessage::Changed { document, delay } => {
                let new = || WorkedText::new(document.lines.clone());
                let text = self.texts.entry(document.path.clone()).or_insert_with(new);
                text.lines = document.lines.clone();
                text.document = Some(document);
                text.due = Some(now + delay);
                text.touched = now;
                text.is_run = false;
                text.is_defective = false;
            }
            WorkerMessage::Closed(path) => {
                self.texts.remove(&path);
                self.recheck_dependents(&path);
            }
            WorkerMessage::FilesChanged(paths) => {
                self.texts.retain(|path, text| text.document.is_some() || !paths.contains(path));
                paths.iter().for_each(|path| self.recheck_dependents(path));
            }
            WorkerMessage::Ask(question) => self.questions.push(question),
        }
    }

    /// Has the open texts that depend on a file analysed again.
    fn recheck_dependents(&mut self, changed: &Path) {
        for (path, text) in &mut self.texts {
            let depends = text
                .analysis
                .as_ref()
                .is_some_and(|analysis| analysis.files().iter().any(|file| file == changed));
            if path != changed && depends && text.document.is_some() {
                text.due.get_or_insert_with(Instant::now);
            }
        }
    }

    /// Returns the file with work that is due: open texts first, the one that was edited last.
    fn next_path(&self) -> Option<PathBuf> {
        let now = Instant::now();
        let has_work = |text: &WorkedText| match text.due {
            _ if text.is_defective => false,
            Some(due) => due <= now,
            None => text.analysis.as_ref().is_some_and(|analysis| !analysis.is_complete()),
        };
        let waiting = self.texts.iter().filter(|(_, text)| has_work(text));
        let found = waiting.max_by_key(|(_, text)| (text.document.is_some(), text.touched));
        found.map(|(path, _)| path.clone())
    }

    /// Does one step of the analysis of a file.
    ///
    /// # Errors
    ///
    /// The reason why the session cannot be used any more.
    fn step(&mut self, session: &mut EvaluationSession, path: &Path) -> Result<(), String> {
        let Some(text) = self.texts.get_mut(path) else { return Ok(()) };
        if text.due.take().is_some() {
            let Some(module) = ModuleArgument::of_file(path) else {
                // No module can have that name, so there is nothing to execute.
                text.is_defective = true;
                return Ok(());
            };
            text.began = Some(Instant::now());
            let source = Arc::clone(&text.lines.text);
            let earlier = text.analysis.take();
            let analysis = session.sire.begin_analysis(module, path, source, earlier);
            let is_first = text.last_published.is_none();
            let (errors, is_complete) = (analysis.syntax_errors(), analysis.is_complete());
            text.analysis = Some(analysis);
            if is_first {
                self.publish(path, &errors);
            }
            if is_complete {
                self.finish(path);
            }
            return Ok(());
        }
        let Some(analysis) = &mut text.analysis else { return Ok(()) };
        let limit = match (analysis.is_loading(), text.is_run) {
            (true, _) => self.settings.time_limit.saturating_mul(LOAD_FACTOR),
            (false, true) => self.settings.time_limit.saturating_mul(RUN_FACTOR),
            (false, false) => self.settings.time_limit,
        };
        let is_useless_after_edit = !analysis.is_loading();
        let watchdog = self.watchdog.clone();
        watchdog.begin(path, &session.handle, Some(limit), is_useless_after_edit);
        let progress = session.sire.continue_analysis(analysis, || watchdog.is_cancelled());
        watchdog.end();
        match progress.map_err(|error| error.to_string())? {
            AnalysisProgress::Complete => self.finish(path),
            AnalysisProgress::Cancelled => {
                // The edit that cancelled it is on its way.
            }
            AnalysisProgress::LoadedModule | AnalysisProgress::ExecutedBlock => {
                let is_due = |last: Instant| last.elapsed() >= PROGRESS_INTERVAL;
                if text.last_published.is_none_or(is_due) {
                    self.publish_found(path);
                }
            }
        }
        Ok(())
    }

    /// Publishes the result of an analysis, and has the texts that depend on it analysed again.
    fn finish(&mut self, path: &Path) {
        self.publish_found(path);
        if let Some(text) = self.texts.get_mut(path) {
            text.is_run = false;
            if text.document.is_none() {
                return;
            }
        }
        self.recheck_changed_dependents(path);
    }

    /// Has the texts that depend on a file analysed again, if their analyses were of another version.
    fn recheck_changed_dependents(&mut self, path: &Path) {
        let Some(text) = self.texts.get(path) else { return };
        let touched = text.touched;
        let others = self.texts.iter().filter(|(other, text)| {
            let analysis = text.analysis.as_ref();
            other.as_path() != path
                && text.began.is_some_and(|began| began < touched)
                && analysis.is_some_and(|found| found.files().iter().any(|file| file == path))
        });
        let others: Vec<PathBuf> = others.map(|(other, _)| other.clone()).collect();
        for other in others {
            if let Some(text) = self.texts.get_mut(&other) {
                text.due.get_or_insert_with(Instant::now);
            }
        }
    }

    fn publish_found(&mut self, path: &Path) {
        let analysis = self.texts.get(path).and_then(|text| text.analysis.as_ref());
        let found: Vec<Diagnostic> = match analysis {
            Some(analysis) if analysis.is_complete() => analysis.diagnostics().cloned().collect(),
            Some(analysis) => {
                // Later blocks have not been executed, but their syntax errors are known.
                let known: Vec<Diagnostic> = analysis.diagnostics().cloned().collect();
                let is_new = |error: &Diagnostic| !known.contains(error);
                let later = analysis.syntax_errors().into_iter().filter(is_new);
                let later: Vec<Diagnostic> = later.collect();
                known.into_iter().chain(later).collect()
            }
            None => return,
        };
        self.publish(path, &found);
    }

    fn publish(&mut self, path: &Path, found: &[Diagnostic]) {
        let Some(text) = self.texts.get_mut(path) else { return };
        text.last_published = Some(Instant::now());
        let Some(document) = &text.document else { return };
        let name = path.display().to_string();
        let unit = self.settings.unit;
        let diagnostics = found.iter().map(|found| published(found, &name, unit)).collect();
        let event = WorkerEvent::Publish {
            uri: document.uri.clone(),
            version: document.version,
            diagnostics,
        };
        self.send(event);
    }

    /// Adds files that only an answer needs. Returns those that could be read.
    fn add_background(&mut self, paths: Vec<PathBuf>) -> Vec<PathBuf> {
        let mut added = Vec::new();
        for path in paths {
            let is_open = self.texts.get(&path).is_some_and(|text| text.document.is_some());
            if !is_open {
                let Ok(source) = std::fs::read_to_string(&path) else { continue };
                let lines = TextLines::new(source.into(), self.settings.unit);
                let new = || WorkedText::new(lines.clone());
                let text = self.texts.entry(path.clone()).or_insert_with(new);
                // The analysis of the same text with the same imports is kept.
                (text.lines, text.due) = (lines.clone(), Some(Instant::now()));
            }
            added.push(path);
        }
        added
    }

    /// Removes the oldest analyses of files that are not open and that no question waits for.
    fn prune_background(&mut self) {
        let is_needed = |path: &PathBuf| {
            let mut files = self.questions.iter().filter_map(|question| question.files.as_ref());
            files.any(|files| files.contains(path))
        };
        let unused =
            self.texts.iter().filter(|(path, text)| text.document.is_none() && !is_needed(path));
        let mut unused: Vec<(Instant, PathBuf)> =
            unused.map(|(path, text)| (text.touched, path.clone())).collect();
        unused.sort();
        let surplus = unused.len().saturating_sub(BACKGROUND_MAX);
        unused.iter().take(surplus).for_each(|(_, path)| drop(self.texts.remove(path)));
    }

    fn context(&self) -> AnswerContext<'_> {
        AnswerContext { library: &self.settings.library, unit: self.settings.unit }
    }
}

/// Why rounds have ended.
enum RoundsEnd {
    ServerEnded,
    /// The session cannot be used any more, for this reason.
    SessionEnded(String),
}
