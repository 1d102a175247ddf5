//! [`OpenDocuments`]: the texts that the client has open.

use crate::file_uri::path_of;
use crate::text_position::{ColumnUnit, TextLines};
use lsp_types::{TextDocumentContentChangeEvent, Uri};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// An open text.
#[derive(Clone, Debug)]
pub(crate) struct OpenDocument {
    pub(crate) uri: Uri,
    /// Its path; that of no file, if the text has never been saved.
    pub(crate) path: PathBuf,
    pub(crate) version: i32,
    pub(crate) lines: TextLines,
}

/// The open texts by their addresses.
pub(crate) struct OpenDocuments {
    by_uri: HashMap<String, OpenDocument>,
    unit: ColumnUnit,
    /// The folder of texts that have never been saved.
    root: PathBuf,
}

impl OpenDocuments {
    pub(crate) fn new(unit: ColumnUnit, root: PathBuf) -> OpenDocuments {
        OpenDocuments { by_uri: HashMap::new(), unit, root }
    }

    /// Adds a text, and returns it.
    pub(crate) fn open(&mut self, uri: Uri, version: i32, text: &str) -> &OpenDocument {
        let path = path_of(&uri).unwrap_or_else(|| unsaved_path(&self.root, &uri));
        let lines = TextLines::new(Arc::from(text), self.unit);
        let key = uri.as_str().to_owned();
        let document = OpenDocument { uri, path, version, lines };
        self.by_uri.entry(key).insert_entry(document).into_mut()
    }

    /// Changes a text, and returns it; none if it is not open.
    pub(crate) fn change(
        &mut self,
        uri: &Uri,
        version: i32,
        changes: Vec<TextDocumentContentChangeEvent>,
    ) -> Option<&OpenDocument> {
        let document = self.by_uri.get_mut(uri.as_str())?;
        for change in changes {
            let text = match change.range {
                Some(range) => document.lines.replaced(range, &change.text),
                None => Arc::from(change.text),
            };
            document.lines = TextLines::new(text, self.unit);
        }
        document.version = version;
        Some(document)
    }

    /// Removes a text, and returns it.
    pub(crate) fn close(&mut self, uri: &Uri) -> Option<OpenDocument> {
        self.by_uri.remove(uri.as_str())
    }

    pub(crate) fn get(&self, uri: &Uri) -> Option<&OpenDocument> {
        self.by_uri.get(uri.as_str())
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &OpenDocument> {
        self.by_uri.values()
    }
}

/// Returns a path for a text that is in no file.
fn unsaved_path(root: &Path, uri: &Uri) -> PathBuf {
    let is_word = |c: char| c.is_ascii_alphanumeric();
    let name: String = uri.as_str().chars().map(|c| if is_word(c) { c } else { '_' }).collect();
    root.join(format!("{name}.sire"))
}
