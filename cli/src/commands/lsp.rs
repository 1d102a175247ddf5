//! `lsp`: serves an editor.

use super::setup::{cache_code, cache_directory, library_image, runtime};
use crate::args::{EvaluationOptions, LspArgs};
use lsp::LspOptions;
use std::time::Duration;

/// Serves the editor on standard input and output until it ends the server.
pub(crate) fn lsp(args: LspArgs) -> anyhow::Result<()> {
    // There is one way to serve.
    let LspArgs { cache, memory, time_limit, delay, stdio: _ } = args;
    cache_code(&cache.store);
    let directory = cache_directory(&cache.store).unwrap_or_else(std::env::temp_dir);
    lsp::serve_stdio(LspOptions {
        make_vm: Box::new(move || runtime(EvaluationOptions { memory, ..Default::default() })),
        cache: directory,
        library_image: library_image(),
        time_limit: time_limit.0.unwrap_or(Duration::MAX),
        delay: delay.0.unwrap_or(Duration::ZERO),
    })
}
