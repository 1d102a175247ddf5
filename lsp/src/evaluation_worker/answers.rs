//! The worker's answers to questions about names.

use super::{EvaluationSession, EvaluationWorker, WorkedText, WorkerEvent};
use crate::completion::{completion, resolved};
use crate::definition::{TextAt, definition};
use crate::file_uri::uri_of;
use crate::hover::hover;
use crate::lens::AssertionResults;
use crate::name_at::NameAt;
use crate::questions::{NameQuestion, QuestionKind};
use crate::references::{places_of, target_at};
use crate::rename::{check_spelling, renamed_places};
use crate::signature::signature_help;
use crate::symbols::{module_files, name_in};
use crate::syntax_worker::{Answer, json_value, response_error};
use crate::words::word_blocks;
use lsp_server::{ErrorCode, ResponseError};
use lsp_types::{
    DocumentHighlight, Location, MessageType, Position, PrepareRenameResponse, TextEdit, Uri,
    WorkspaceEdit,
};
use serde_json::Value;
use sire::{DiagnosticKind, ModuleAnalysis, NameTarget};
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Whether a question can be answered.
enum QuestionState {
    Ready,
    Waiting,
    /// The text has changed since.
    Outdated,
}

impl EvaluationWorker {
    /// Answers the questions that can be answered.
    pub(super) fn answer_questions(
        &mut self,
        session: &mut EvaluationSession,
        current: &mut Option<PathBuf>,
    ) {
        let mut waiting = Vec::new();
        for mut question in std::mem::take(&mut self.questions) {
            if question.is_cancelled() {
                continue;
            }
            let result = match self.question_state(&mut question) {
                QuestionState::Waiting => {
                    waiting.push(question);
                    continue;
                }
                QuestionState::Outdated => {
                    Err(response_error(ErrorCode::ContentModified, "the text has changed"))
                }
                QuestionState::Ready => {
                    *current = Some(question.document.path.clone());
                    self.answer(session, &question)
                }
            };
            *current = None;
            self.send(Answer { id: question.id, result }.into());
        }
        self.questions.append(&mut waiting);
        self.prune_background();
    }

    fn question_state(&mut self, question: &mut NameQuestion) -> QuestionState {
        let Some(text) = self.texts.get_mut(&question.document.path) else {
            return QuestionState::Outdated;
        };
        if text.is_defective {
            return QuestionState::Outdated;
        }
        if !question.kind.needs_current_text() {
            let analysis = text.analysis.as_ref();
            return match analysis.is_some_and(|found| found.has_names() || found.is_complete()) {
                true => QuestionState::Ready,
                false => QuestionState::Waiting,
            };
        }
        if *text.lines.text != *question.document.lines.text {
            return QuestionState::Outdated;
        }
        if !text.is_done() {
            return QuestionState::Waiting;
        }
        let Some(analysis) = &mut text.analysis else { return QuestionState::Outdated };
        if let QuestionKind::RunAssertions { line } = question.kind
            && !question.is_scheduled
        {
            question.is_scheduled = true;
            analysis.repeat_from(line.map_or(1, |line| line + 1));
            text.is_run = true;
            return if text.is_done() { QuestionState::Ready } else { QuestionState::Waiting };
        }
        match question.kind {
            QuestionKind::References { position, .. } | QuestionKind::Rename { position, .. } => {
                self.other_files_state(question, position)
            }
            _ => QuestionState::Ready,
        }
    }

    /// Has the other files that may use a name analysed.
    fn other_files_state(
        &mut self,
        question: &mut NameQuestion,
        position: Position,
    ) -> QuestionState {
        if question.files.is_none() {
            let files = self.files_with(question, position);
            question.files = Some(self.add_background(files).into_iter().collect());
        }
        let is_done = |path: &PathBuf| self.texts.get(path).is_none_or(WorkedText::is_done);
        match question.files.iter().flatten().all(is_done) {
            true => QuestionState::Ready,
            false => QuestionState::Waiting,
        }
    }

    /// Returns the files, open or not, that contain the name that a question is about.
    fn files_with(&self, question: &NameQuestion, position: Position) -> Vec<PathBuf> {
        let Some(text) = self.texts.get(&question.document.path) else { return Vec::new() };
        let Some(analysis) = &text.analysis else { return Vec::new() };
        let byte = text.lines.byte(position);
        let Some(NameTarget::Global { name, .. }) = target_at(analysis, byte) else {
            return Vec::new();
        };
        let mut roots = self.settings.roots.clone();
        // The folder of the file may be outside of the project, or there is no project.
        let folder = question.document.path.parent().map(Path::to_owned);
        let is_inside = |folder: &PathBuf| roots.iter().any(|root| folder.starts_with(root));
        roots.extend(folder.filter(|folder| !is_inside(folder)));
        let open = self.texts.iter().filter(|(_, text)| text.document.is_some());
        let open: BTreeSet<PathBuf> = open
            .filter(|(_, text)| name_in(&text.lines.text, &name).is_some())
            .map(|(path, _)| path.clone())
            .collect();
        let is_open =
            |path: &PathBuf| self.texts.get(path).is_some_and(|text| text.document.is_some());
        let has_name = |path: &PathBuf| {
            let text = std::fs::read_to_string(path).unwrap_or_default();
            name_in(&text, &name).is_some()
        };
        let saved = module_files(&roots).into_iter();
        let saved = saved.filter(|path| !is_open(path) && has_name(path));
        open.into_iter().chain(saved).collect()
    }

    fn answer(
        &mut self,
        session: &mut EvaluationSession,
        question: &NameQuestion,
    ) -> Result<Value, ResponseError> {
        let path = &question.document.path;
        let analysis = self.texts.get_mut(path).and_then(|text| text.analysis.take());
        let Some(mut analysis) = analysis else { return Ok(Value::Null) };
        let result = self.answer_of(session, question, &mut analysis);
        if let Some(text) = self.texts.get_mut(path) {
            text.analysis = Some(analysis);
        }
        result
    }

    fn answer_of(
        &mut self,
        session: &mut EvaluationSession,
        question: &NameQuestion,
        analysis: &mut ModuleAnalysis,
    ) -> Result<Value, ResponseError> {
        let sire = &mut session.sire;
        let lines = &question.document.lines;
        match &question.kind {
            QuestionKind::Hover(position) => {
                json_value(&hover(sire, analysis, lines, lines.byte(*position)))
            }
            QuestionKind::SignatureHelp(position) => {
                json_value(&signature_help(sire, analysis, lines, lines.byte(*position)))
            }
            QuestionKind::Definition(position) => {
                let text = TextAt { uri: &question.document.uri, lines };
                let byte = lines.byte(*position);
                json_value(&definition(sire, analysis, &self.context(), text, byte))
            }
            QuestionKind::Completion(position) => {
                json_value(&completion(sire, analysis, lines, lines.byte(*position)))
            }
            QuestionKind::ResolveCompletion(item) => {
                json_value(&resolved(sire, analysis, (**item).clone()))
            }
            QuestionKind::Highlight(position) => {
                let target = target_at(analysis, lines.byte(*position));
                let places = target.map(|target| places_of(analysis, &target, true));
                let highlights = places.map(|places| {
                    let highlight =
                        |range| DocumentHighlight { range: lines.range(range), kind: None };
                    places.into_iter().map(highlight).collect::<Vec<_>>()
                });
                json_value(&highlights)
            }
            QuestionKind::References { position, with_definition } => {
                let byte = lines.byte(*position);
                json_value(&self.references(question, analysis, byte, *with_definition))
            }
            QuestionKind::PrepareRename(position) => {
                let byte = lines.byte(*position);
                let checked = self.renamed_target(analysis, byte).map_err(refused)?;
                let range = lines.range(checked.0.range);
                json_value(&PrepareRenameResponse::Range(range))
            }
            QuestionKind::Rename { position, new_name } => {
                let byte = lines.byte(*position);
                let edit = self.rename(question, analysis, byte, new_name).map_err(refused)?;
                json_value(&edit)
            }
            QuestionKind::RunAssertions { line } => self.assertion_results(analysis, *line),
        }
    }

    fn references(
        &self,
        question: &NameQuestion,
        analysis: &ModuleAnalysis,
        byte: usize,
        with_definition: bool,
    ) -> Option<Vec<Location>> {
        let target = target_at(analysis, byte)?;
        let uri = &question.document.uri;
        let lines = &question.document.lines;
        let own = places_of(analysis, &target, with_definition).into_iter();
        let mut found: Vec<Location> =
            own.map(|range| Location::new(uri.clone(), lines.range(range))).collect();
        for (uri, text, analysis) in self.other_analyses(question) {
            let places = places_of(analysis, &target, with_definition).into_iter();
            found.extend(places.map(|range| Location::new(uri.clone(), text.lines.range(range))));
        }
        Some(found)
    }

    /// Returns the analyses of the other files that a question needs.
    fn other_analyses<'s>(
        &'s self,
        question: &'s NameQuestion,
    ) -> impl Iterator<Item = (Uri, &'s WorkedText, &'s ModuleAnalysis)> {
        let files = question.files.iter().flatten();
        files.filter(|path| **path != question.document.path).filter_map(|path| {
            let text = self.texts.get(path)?;
            let open = text.document.as_ref().map(|document| document.uri.clone());
            Some((open.or_else(|| uri_of(path))?, text, text.analysis.as_ref()?))
        })
    }

    /// Returns the name at a byte and what it refers to, if it can be renamed.
    fn renamed_target(
        &self,
        analysis: &ModuleAnalysis,
        byte: usize,
    ) -> Result<(NameAt, NameTarget), String> {
        let text = analysis.text();
        let name = NameAt::find(analysis, text, byte).ok_or("there is no name")?;
        let resolved = name.resolved.clone().ok_or("it is not known what this name means")?;
        let target = resolved.target;
        if let NameTarget::Global { module, name } = &target {
            let is_own = module == analysis.module_name();
            let of_module = |text: &WorkedText| {
                text.analysis.as_ref().is_some_and(|found| found.module_name() == module)
            };
            if !is_own && !self.texts.values().any(of_module) {
                return Err(format!("`{name}` is defined in `{module}`, which is not open"));
            }
        }
        Ok((name, target))
    }

    fn rename(
        &self,
        question: &NameQuestion,
        analysis: &ModuleAnalysis,
        byte: usize,
        new: &str,
    ) -> Result<WorkspaceEdit, String> {
        check_spelling(new)?;
        let (name, target) = self.renamed_target(analysis, byte)?;
        let old = analysis.text()[name.range].to_owned();
        #[allow(clippy::mutable_key_type, reason = "the type of the protocol")]
        let mut changes: HashMap<Uri, Vec<TextEdit>> = HashMap::new();
        let own = (question.document.uri.clone(), &question.document.lines, analysis);
        let others = self.other_analyses(question);
        let others = others.map(|(uri, text, analysis)| (uri, &text.lines, analysis));
        for (uri, lines, analysis) in std::iter::once(own).chain(others) {
            let path = crate::file_uri::path_of(&uri).unwrap_or_default();
            let in_file = |reason| format!("{}: {reason}", path.display());
            let places = renamed_places(analysis, &target, &old, new).map_err(in_file)?;
            let edit = |range| TextEdit { range: lines.range(range), new_text: new.to_owned() };
            if !places.is_empty() {
                changes.insert(uri, places.into_iter().map(edit).collect());
            }
        }
        Ok(WorkspaceEdit { changes: Some(changes), ..WorkspaceEdit::default() })
    }

    fn assertion_results(
        &self,
        analysis: &ModuleAnalysis,
        line: Option<usize>,
    ) -> Result<Value, ResponseError> {
        let block = line.map(|line| block_lines(analysis.text(), line + 1));
        let is_wanted = |line: usize| block.as_ref().is_none_or(|lines| lines.contains(&line));
        let reports = analysis.assertions().filter(|report| is_wanted(report.line));
        let is_error = |kind: DiagnosticKind| {
            !matches!(kind, DiagnosticKind::Warning | DiagnosticKind::Assertion)
        };
        let errors = match line {
            Some(_) => 0,
            None => analysis.diagnostics().filter(|found| is_error(found.kind)).count(),
        };
        let results = AssertionResults::new(reports, errors);
        let (summary, is_passed) = results.summary();
        let kind = if is_passed { MessageType::INFO } else { MessageType::WARNING };
        self.send(WorkerEvent::Show { kind, text: summary });
        json_value(&results)
    }
}

/// Returns the lines of the block that begins at a line; that line alone if none does.
fn block_lines(text: &Arc<str>, line: usize) -> std::ops::Range<usize> {
    let blocks = word_blocks(text);
    let next = blocks.iter().map(|block| block.line).find(|next| *next > line);
    line..next.unwrap_or(usize::MAX)
}

fn refused(reason: String) -> ResponseError {
    response_error(ErrorCode::RequestFailed, reason)
}
