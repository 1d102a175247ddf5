//! [`serve`] runs the language server of Sire on a connection, until the client ends it.
//!
//! ```text
//!  client ──> server ──> syntax worker        symbols, formatting, semantic tokens, code lenses
//!    ▲          │   └──> evaluation worker    analyses of open texts, questions about names
//!    │          ▼              ▲
//!    └── answers, diagnostics  └── watchdog   ends evaluations that are outdated or take too long
//! ```
//!
//! The server's thread only routes messages, so it always answers. A [`sire::ModuleAnalysis`] runs one
//! block a step on the evaluation worker, which answers questions between two steps. Macros are
//! programs, so every step has limits of time and memory, and a newer edit cancels it.
//!
//! The modules of the crate, top down:
//!
//! ```text
//!   server                                      routes messages
//!   evaluation_worker    syntax_worker          the threads that answer
//!   questions                                   questions that need names
//!   hover  signature  definition  references  rename  completion  lens    answers
//!   library_files  name_at  call_site           sources of built-in modules │ the name, the call at a position
//!   semantic_tokens  symbols  formatting        answers that need only the text
//!   published    documents    watchdog          diagnostics │ open texts │ limits of evaluations
//!   words    runes                              words and runes of a text │ what primitive runes mean
//!   file_uri    text_position                   addresses of files │ lines and columns
//! ```

#![forbid(unsafe_code)]

mod call_site;
mod completion;
mod definition;
mod documents;
mod evaluation_worker;
mod file_uri;
mod formatting;
mod hover;
mod lens;
mod library_files;
mod name_at;
mod published;
mod questions;
mod references;
mod rename;
mod runes;
mod semantic_tokens;
mod server;
mod signature;
mod symbols;
mod syntax_worker;
mod text_position;
mod watchdog;
mod words;

pub use server::{LspOptions, serve, serve_stdio};
