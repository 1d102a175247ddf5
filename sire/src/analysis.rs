//! [`ModuleAnalysis`]: the text of a module while a person edits it.
//!
//! A load ends with the first error. An analysis goes on after each of them: a command that fails has
//! no effect, and the names that it would have defined are not reported again where they are used. An
//! analysis runs step by step, so that the caller can answer questions and notice newer edits between
//! two commands:
//!
//! ```text
//! begin_analysis --> the modules that it imports, one a step --> its blocks, one a step --> complete
//! ```
//!
//! The analysis of the next version of the text begins with that of the last one. It keeps the results
//! of the blocks in front of the first change, and goes on from the last checkpoint in front of it.
//! Imports are loaded again only if their texts have changed.
//!
//! * [`pieces`]: the blocks of a text, and what two versions have in common;
//! * [`loading`]: the modules that the text depends on;
//! * [`queries`]: questions about the names in scope.

mod loading;
mod pieces;
mod queries;

use crate::assertions::AssertionReport;
use crate::block::{BlockSource, run_block};
use crate::command_error::CommandError;
use crate::diagnostic::{Diagnostic, DiagnosticKind};
use crate::documentation::definitions;
use crate::error::SireError;
use crate::modules::{
    ModuleArgument, ModuleForm, ModuleOutline, StateKey, imported_modules, outline_of_edited,
};
use crate::name_use::NameUse;
use crate::session::Session;
use crate::sire::Sire;
use crate::state::SireState;
use crate::typing::TypeChecker;
use loading::DependencyLoad;
use pieces::{SourcePiece, pieces, shared_pieces};
pub use queries::EvaluationInterrupt;
use rex::SourceBlock;
use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The execution time after which the next block of a short text has a checkpoint.
const CHECKPOINT_INTERVAL: Duration = Duration::from_millis(30);
/// The largest number of checkpoints of a text.
const CHECKPOINTS_MAX: usize = 24;

/// What a step of an analysis has done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AnalysisProgress {
    /// An imported module was loaded.
    LoadedModule,
    /// A block was executed.
    ExecutedBlock,
    /// The step was cancelled, and has no effect.
    Cancelled,
    /// There is nothing left to do.
    Complete,
}

/// The part of a session that blocks change.
struct SessionSnapshot {
    state: SireState,
    types: TypeChecker,
}

impl SessionSnapshot {
    fn new() -> SessionSnapshot {
        SessionSnapshot { state: SireState::new(), types: TypeChecker::default() }
    }

    fn copy(&self) -> SessionSnapshot {
        SessionSnapshot { state: self.state.copy(), types: self.types.copy() }
    }

    fn exchange(&mut self, session: &mut Session) {
        std::mem::swap(&mut self.state, &mut session.state);
        std::mem::swap(&mut self.types, &mut session.types);
    }
}

/// The snapshot before a block.
struct AnalysisCheckpoint {
    /// The number of blocks before it.
    block: usize,
    snapshot: SessionSnapshot,
}

/// The results of a block.
#[derive(Default)]
struct AnalysedBlock {
    diagnostics: Vec<Diagnostic>,
    uses: Vec<NameUse>,
    assertions: Vec<AssertionReport>,
    /// The names that the block would have defined if it had not failed.
    failed: Vec<String>,
}

/// The analysis of a module's text, complete or in progress.
pub struct ModuleAnalysis {
    module: ModuleArgument,
    path: String,
    text: Arc<str>,
    /// The header; none if it is wrong.
    outline: Option<ModuleOutline>,
    /// What is wrong with the header and the imports.
    header_diagnostics: Vec<Diagnostic>,
    /// The key of the state before the first block, once it is known.
    key: Option<StateKey>,
    /// The files of the imported modules.
    files: Vec<PathBuf>,
    loading: Option<DependencyLoad>,
    pieces: Vec<SourcePiece>,
    blocks: Vec<AnalysedBlock>,
    checkpoints: Vec<AnalysisCheckpoint>,
    since_checkpoint: Duration,
    /// The execution time after which the next block has a checkpoint.
    checkpoint_interval: Duration,
    /// Whether blocks are read and not executed, because an import failed.
    is_syntax_only: bool,
    current: SessionSnapshot,
    /// The snapshot after the last analysis that was complete, until this one is.
    last: Option<SessionSnapshot>,
}

impl Sire {
    /// Begins the analysis of a text, which need not be saved. `earlier` is the analysis of an earlier
    /// version.
    pub fn begin_analysis(
        &mut self,
        module: ModuleArgument,
        path: &Path,
        text: Arc<str>,
        earlier: Option<ModuleAnalysis>,
    ) -> ModuleAnalysis {
        self.session.library.search_beside(module.folder.clone());
        let path = path.display().to_string();
        let mut analysis = ModuleAnalysis {
            pieces: pieces(&text, &path),
            module,
            path,
            text,
            outline: None,
            header_diagnostics: Vec::new(),
            key: None,
            files: Vec::new(),
            loading: None,
            blocks: Vec::new(),
            checkpoints: Vec::new(),
            since_checkpoint: Duration::ZERO,
            checkpoint_interval: CHECKPOINT_INTERVAL,
            is_syntax_only: false,
            current: SessionSnapshot::new(),
            last: None,
        };
        let began = outline_of_edited(&analysis.path, &analysis.text)
            .and_then(|outline| self.begin_loading(&mut analysis, outline));
        match began {
            Ok(()) => analysis.continue_from(earlier),
            Err(error) => {
                analysis.header_diagnostics.push(analysis.header_diagnostic(&error));
                analysis.is_syntax_only = true;
                analysis.last = earlier.and_then(ModuleAnalysis::into_snapshot);
            }
        }
        analysis
    }

    /// Does the next step of an analysis. `is_cancelled` says, after the step, whether its evaluations
    /// were interrupted because nobody needs the result: then the step has no effect.
    ///
    /// # Errors
    ///
    /// If the heap is damaged, or there is no memory outside any command. The session and the
    /// analysis are of no use then.
    pub fn continue_analysis(
        &mut self,
        analysis: &mut ModuleAnalysis,
        is_cancelled: impl Fn() -> bool,
    ) -> Result<AnalysisProgress, SireError> {
        self.session.library.search_beside(analysis.module.folder.clone());
        if analysis.loading.is_some() {
            return self.load_next(analysis, is_cancelled);
        }
        let Some(piece) = analysis.pieces.get(analysis.blocks.len()) else {
            return Ok(AnalysisProgress::Complete);
        };
        let block = match &piece.content {
            Ok(block) if !analysis.is_syntax_only => block.clone(),
            Ok(_) => {
                analysis.blocks.push(AnalysedBlock::default());
                return Ok(analysis.progress());
            }
            Err(error) => {
                let diagnostic = Diagnostic::of_read_error(error, Some(&analysis.text));
                let failed = piece.defined_names(&analysis.text);
                let diagnostics = vec![diagnostic];
                analysis.blocks.push(AnalysedBlock {
                    diagnostics,
                    failed,
                    ..AnalysedBlock::default()
                });
                return Ok(analysis.progress());
            }
        };
        let began = Instant::now();
        analysis.save_checkpoint();
        let result = self.run_analysed_block(analysis, &block)?;
        if is_cancelled() {
            analysis.return_to_checkpoint(analysis.blocks.len());
            return Ok(AnalysisProgress::Cancelled);
        }
        analysis.since_checkpoint += began.elapsed();
        let is_failed_import =
            !result.failed.is_empty() && !imported_modules(&block.rex).is_empty();
        analysis.is_syntax_only |= is_failed_import;
        analysis.blocks.push(result);
        Ok(analysis.progress())
    }

    /// Executes a block with the state of an analysis.
    fn run_analysed_block(
        &mut self,
        analysis: &mut ModuleAnalysis,
        block: &SourceBlock,
    ) -> Result<AnalysedBlock, SireError> {
        let index = analysis.blocks.len();
        let session = &mut self.session;
        analysis.current.exchange(session);
        let (form, is_header) = (session.module_form, session.is_file_header);
        let is_first = |piece: &SourcePiece| piece.content.is_err();
        session.is_file_header = analysis.pieces[..index].iter().all(is_first);
        session.module_form = analysis.form();
        session.checked_assertions = Some(Vec::new());
        session.assertion_reports.clear();
        session.names.is_active = true;
        session.names.offset = analysis.pieces[index].range.start;
        let file = format!("{}.sire", analysis.module.name);
        let source = BlockSource { file: &file, path: &analysis.path, text: Some(&analysis.text) };
        let (result, mut diagnostics) = collecting(session, |session| {
            let is_quiet = std::mem::replace(&mut session.is_quiet, true);
            let result = run_block(session, &source, block);
            session.is_quiet = is_quiet;
            result
        });
        session.names.is_active = false;
        session.checked_assertions = None;
        (session.module_form, session.is_file_header) = (form, is_header);
        let assertions = std::mem::take(&mut session.assertion_reports);
        let uses = session.names.take_located();
        let is_failed = matches!(result, Ok(Err(_)));
        if is_failed {
            session.state.roll_back();
        }
        analysis.current.exchange(session);
        result.map_err(CommandError::into_sire_error)?.ok();
        diagnostics.extend(assertions.iter().filter_map(|report| report.failure.clone()));
        let failed = match is_failed {
            true => failed_names(&analysis.pieces[index], &analysis.text),
            false => Vec::new(),
        };
        diagnostics.retain(|diagnostic| !analysis.is_consequence(diagnostic));
        Ok(AnalysedBlock { diagnostics, uses, assertions, failed })
    }
}

/// Returns the names that a block would have defined. A block that defines none has an empty name, so
/// that it counts as failed.
fn failed_names(piece: &SourcePiece, text: &str) -> Vec<String> {
    let found = definitions("", &text[piece.range.clone()]);
    let names: Vec<String> = found.into_iter().map(|definition| definition.name).collect();
    if names.is_empty() { vec![String::new()] } else { names }
}

/// Runs something, and returns also the errors and warnings of its commands.
fn collecting<T>(
    session: &mut Session,
    run: impl FnOnce(&mut Session) -> T,
) -> (T, Vec<Diagnostic>) {
    let found: Rc<RefCell<Vec<Diagnostic>>> = Rc::default();
    let collector = Rc::clone(&found);
    let collect = move |diagnostic: &Diagnostic| collector.borrow_mut().push(diagnostic.clone());
    let receiver = session.on_diagnostic.replace(Box::new(collect));
    let result = run(session);
    session.on_diagnostic = receiver;
    (result, found.take())
}

impl ModuleAnalysis {
    /// Returns the text.
    pub fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// Returns the name in the header; the name of the file if there is none.
    pub fn module_name(&self) -> &str {
        self.outline.as_ref().map_or(&self.module.name, |outline| &outline.name)
    }

    /// Returns whether no step is left.
    pub fn is_complete(&self) -> bool {
        self.loading.is_none() && self.blocks.len() == self.pieces.len()
    }

    /// Returns whether imported modules are still to be loaded.
    pub fn is_loading(&self) -> bool {
        self.loading.is_some()
    }

    /// Returns whether an analysis of this text or of an earlier version has been completed, so that
    /// its names are known.
    pub fn has_names(&self) -> bool {
        self.is_executed() || self.last.is_some()
    }

    /// Returns the errors and warnings that have been found so far, in the order of the text.
    pub fn diagnostics(&self) -> impl Iterator<Item = &Diagnostic> {
        let of_blocks = self.blocks.iter().flat_map(|block| &block.diagnostics);
        self.header_diagnostics.iter().chain(of_blocks)
    }

    /// Returns the syntax errors of the text. They are known from the beginning.
    pub fn syntax_errors(&self) -> Vec<Diagnostic> {
        let errors = self.pieces.iter().filter_map(|piece| piece.content.as_ref().err());
        errors.map(|error| Diagnostic::of_read_error(error, Some(&self.text))).collect()
    }

    /// Returns the results of the assertions that have been executed so far.
    pub fn assertions(&self) -> impl Iterator<Item = &AssertionReport> {
        self.blocks.iter().flat_map(|block| &block.assertions)
    }

    /// Returns what the names in the text refer to, in the order of the text, as far as the blocks
    /// have been executed.
    pub fn uses(&self) -> impl Iterator<Item = &NameUse> {
        self.blocks.iter().flat_map(|block| &block.uses)
    }

    /// Returns the files of the modules that the text depends on. Built-in modules have none.
    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }

    fn form(&self) -> ModuleForm {
        self.outline.as_ref().map_or(ModuleForm::Standalone, |outline| outline.form)
    }

    fn progress(&self) -> AnalysisProgress {
        match self.is_complete() {
            true => AnalysisProgress::Complete,
            false => AnalysisProgress::ExecutedBlock,
        }
    }

    /// Returns whether a diagnostic only says that an earlier definition failed.
    fn is_consequence(&self, diagnostic: &Diagnostic) -> bool {
        let Some(name) = &diagnostic.unresolved else { return false };
        diagnostic.kind == DiagnosticKind::UnresolvedName
            && self.blocks.iter().any(|block| block.failed.contains(name))
    }

    /// Takes over what an earlier analysis has in common with this one.
    fn continue_from(&mut self, earlier: Option<ModuleAnalysis>) {
        let Some(mut earlier) = earlier else { return };
        let is_usable = self.loading.as_ref().is_some_and(|load| Some(load.key()) == earlier.key)
            && earlier.path == self.path
            && !earlier.checkpoints.is_empty()
            && !earlier.is_syntax_only;
        if is_usable && earlier.is_executed() && earlier.text == self.text {
            *self = earlier;
            return;
        }
        let was_executed = earlier.is_executed();
        if is_usable {
            let shared =
                shared_pieces((&self.pieces, &self.text), (&earlier.pieces, &earlier.text));
            self.blocks = std::mem::take(&mut earlier.blocks);
            self.checkpoints = std::mem::take(&mut earlier.checkpoints);
            self.key = earlier.key;
            self.checkpoint_interval = earlier.checkpoint_interval;
            self.loading = None;
            self.return_to_checkpoint(shared);
        }
        self.last = if was_executed { Some(earlier.current) } else { earlier.last };
    }

    /// Returns whether all blocks have been executed.
    fn is_executed(&self) -> bool {
        self.is_complete() && !self.is_syntax_only
    }

    /// Returns the snapshot that answers questions.
    fn into_snapshot(self) -> Option<SessionSnapshot> {
        if self.is_executed() { Some(self.current) } else { self.last }
    }

    /// Has the blocks from this line on, counted from 1, executed again.
    pub fn repeat_from(&mut self, line: usize) {
        let before = self.pieces.iter().take_while(|piece| piece.line <= line).count();
        if self.is_executed() && !self.checkpoints.is_empty() {
            self.last = Some(self.current.copy());
            self.return_to_checkpoint(before.saturating_sub(1));
        }
    }

    /// Returns to the last checkpoint that is not after this number of blocks.
    fn return_to_checkpoint(&mut self, blocks: usize) {
        let blocks = blocks.min(self.blocks.len());
        while self.checkpoints.len() > 1
            && self.checkpoints.last().is_some_and(|checkpoint| checkpoint.block > blocks)
        {
            self.checkpoints.pop();
        }
        if let Some(checkpoint) = self.checkpoints.last() {
            self.blocks.truncate(checkpoint.block);
            self.current = checkpoint.snapshot.copy();
        }
        self.since_checkpoint = Duration::ZERO;
    }

    /// Makes a checkpoint before the next block, if the last one is long ago.
    fn save_checkpoint(&mut self) {
        if self.since_checkpoint < self.checkpoint_interval {
            return;
        }
        if self.checkpoints.len() >= CHECKPOINTS_MAX {
            // Of a text that takes long, the checkpoints are further apart.
            let mut index = 0;
            self.checkpoints.retain(|_| {
                index += 1;
                index % 2 == 1
            });
            self.checkpoint_interval *= 2;
        }
        let snapshot = self.current.copy();
        self.checkpoints.push(AnalysisCheckpoint { block: self.blocks.len(), snapshot });
        self.since_checkpoint = Duration::ZERO;
    }
}
