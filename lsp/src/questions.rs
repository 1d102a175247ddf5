//! [`NameQuestion`]: a request that needs the names of an analysed text.

use crate::documents::OpenDocument;
use lsp_server::RequestId;
use lsp_types::{CompletionItem, Position};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What is asked.
#[derive(Clone, Debug)]
pub(crate) enum QuestionKind {
    Hover(Position),
    SignatureHelp(Position),
    Definition(Position),
    Completion(Position),
    ResolveCompletion(Box<CompletionItem>),
    Highlight(Position),
    References {
        position: Position,
        with_definition: bool,
    },
    PrepareRename(Position),
    Rename {
        position: Position,
        new_name: String,
    },
    /// The assertions of the block at a line, counted from 0; all of the text without a line.
    RunAssertions {
        line: Option<usize>,
    },
}

impl QuestionKind {
    /// Returns whether the answer needs the analysis of exactly the text that was asked about.
    pub(crate) fn needs_current_text(&self) -> bool {
        match self {
            QuestionKind::Hover(_)
            | QuestionKind::SignatureHelp(_)
            | QuestionKind::Definition(_)
            | QuestionKind::Completion(_)
            | QuestionKind::ResolveCompletion(_) => false,
            QuestionKind::Highlight(_)
            | QuestionKind::References { .. }
            | QuestionKind::PrepareRename(_)
            | QuestionKind::Rename { .. }
            | QuestionKind::RunAssertions { .. } => true,
        }
    }
}

/// A request that waits for its answer.
#[derive(Debug)]
pub(crate) struct NameQuestion {
    pub(crate) id: RequestId,
    /// The text that is asked about.
    pub(crate) document: OpenDocument,
    pub(crate) kind: QuestionKind,
    pub(crate) cancelled: Arc<AtomicBool>,
    /// The files whose analyses the answer needs too, once they are known.
    pub(crate) files: Option<BTreeSet<PathBuf>>,
    /// Whether the assertions that are asked for have been scheduled.
    pub(crate) is_scheduled: bool,
}

impl NameQuestion {
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }
}
