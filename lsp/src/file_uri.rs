//! Addresses of files: the URIs of the protocol, and paths.

use lsp_types::Uri;
use std::path::{Path, PathBuf};
use url::Url;

/// Returns the path of a `file:` address; none for another address.
pub(crate) fn path_of(uri: &Uri) -> Option<PathBuf> {
    let url = Url::parse(uri.as_str()).ok()?;
    if url.scheme() == "file" { url.to_file_path().ok() } else { None }
}

/// Returns the address of an absolute path.
pub(crate) fn uri_of(path: &Path) -> Option<Uri> {
    Url::from_file_path(path).ok()?.as_str().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_one_address() {
        for path in ["/a/b.sire", "/a b/é.sire", "/a#b/%20.sire"] {
            let uri = uri_of(Path::new(path)).expect("an absolute path");
            assert_eq!(path_of(&uri).as_deref(), Some(Path::new(path)));
        }
        let other: Uri = "untitled:Untitled-1".parse().expect("an address");
        assert_eq!(path_of(&other), None);
    }
}
