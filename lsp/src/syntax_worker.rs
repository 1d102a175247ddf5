//! The syntax worker: answers requests that need only texts.

use crate::documents::OpenDocument;
use crate::formatting::formatting;
use crate::lens::code_lenses;
use crate::semantic_tokens::semantic_tokens;
use crate::symbols::{document_symbols, workspace_symbols};
use crossbeam_channel::{Receiver, Sender};
use lsp_server::{ErrorCode, RequestId, ResponseError};
use serde_json::Value;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What is asked about texts.
pub(crate) enum SyntaxQuestionKind {
    Symbols(OpenDocument),
    Format(OpenDocument),
    Tokens(OpenDocument),
    Lenses(OpenDocument),
    /// The symbols of all files that contain a text.
    WorkspaceSymbols {
        query: String,
        roots: Vec<PathBuf>,
        open: Vec<OpenDocument>,
    },
}

/// A request that waits for its answer.
pub(crate) struct SyntaxQuestion {
    pub(crate) id: RequestId,
    pub(crate) kind: SyntaxQuestionKind,
    pub(crate) cancelled: Arc<AtomicBool>,
}

/// The answer to a request.
pub(crate) struct Answer {
    pub(crate) id: RequestId,
    pub(crate) result: Result<Value, ResponseError>,
}

/// Makes an error of the protocol.
pub(crate) fn response_error(code: ErrorCode, message: impl Into<String>) -> ResponseError {
    ResponseError { code: code as i32, message: message.into(), data: None }
}

/// Converts an answer. A value that JSON cannot have is a defect of this program.
pub(crate) fn json_value(value: &impl serde::Serialize) -> Result<Value, ResponseError> {
    serde_json::to_value(value)
        .map_err(|error| response_error(ErrorCode::InternalError, error.to_string()))
}

/// Answers questions until there are no more.
pub(crate) fn run<E: From<Answer>>(questions: &Receiver<SyntaxQuestion>, events: &Sender<E>) {
    for SyntaxQuestion { id, kind, cancelled } in questions {
        if cancelled.load(Ordering::Relaxed) {
            continue;
        }
        let result = catch_unwind(AssertUnwindSafe(|| answer(kind))).unwrap_or_else(|_| {
            Err(response_error(ErrorCode::InternalError, "a defect of the server"))
        });
        if events.send(Answer { id, result }.into()).is_err() {
            return;
        }
    }
}

fn answer(kind: SyntaxQuestionKind) -> Result<Value, ResponseError> {
    match kind {
        SyntaxQuestionKind::Symbols(document) => json_value(&document_symbols(&document.lines)),
        SyntaxQuestionKind::Format(document) => match formatting(&document.lines) {
            Ok(edits) => json_value(&edits),
            Err(message) => Err(response_error(ErrorCode::RequestFailed, message)),
        },
        SyntaxQuestionKind::Tokens(document) => json_value(&semantic_tokens(&document.lines)),
        SyntaxQuestionKind::Lenses(document) => {
            json_value(&code_lenses(&document.uri, &document.lines))
        }
        SyntaxQuestionKind::WorkspaceSymbols { query, roots, open } => {
            json_value(&workspace_symbols(&query, &roots, &open))
        }
    }
}
