//! [`Sire`] is a session of the Sire language: it loads modules and runs commands, and its
//! definitions are PLAN values.
//!
//! A module is a sequence of Rex trees, and each tree is a command. The path of a definition:
//!
//! ```text
//! source --rex--> tree --rex_value--> Rex value --command--> definition
//!     --read_expr (macros)--> expression --compile--> law --> value --state--> binding
//! ```
//!
//! The modules of the crate, top down. An arrow never points upward:
//!
//! ```text
//!   Sire                                  modules, the cache, the session
//!   analysis                              a text that a person edits, block by block
//!   repl    interactive    document       the loop │ sessions that a person leads │ documentation
//!   named_values                          the values of names, for tools
//!   load                                  runs the blocks of modules
//!   block    assertions                   runs one block │ checks of a module's assertions
//!   command    report    diagnose         effect of a command │ why it failed: as a value, for people
//!   import                                effect of an import
//!   read_expr    operator_check           Rex values to expressions; macro expansion │ warnings
//!   suggest    call_chain    chain_node   similar names │ the calls of a crash │ command chains
//!   session                               the runtime and the state
//!   typing                                types of definitions, inferred and checked
//!   modules    compile                    module files and their order │ expressions to values
//!   command_error    locate    readable   errors │ places of parts │ values for people
//!   state                                 scopes and modules
//!   expr    rex_value    output           the expression graph │ Rex trees as values │ printing
//!   primitive    malformed    nat_text    error    diagnostic    definition_source    difference
//! ```
//!
//! Everything that a macro sees is a PLAN value: source, as Rex values (`rex_value`); the state
//! (`state`); bindings and their code (`expr`). A value that a macro returns is validated when it
//! is used.
//!
//! No function of this crate recurses on the native stack over source, expressions or values.

#![deny(unsafe_code)]

mod analysis;
mod assertions;
mod block;
mod call_chain;
mod chain_node;
mod command;
mod command_error;
mod compile;
mod definition_source;
mod diagnose;
mod diagnostic;
mod difference;
mod document;
mod documentation;
mod error;
mod expr;
mod import;
mod interactive;
mod load;
mod locate;
mod malformed;
mod modules;
mod name_use;
mod named_values;
mod nat_text;
mod operator_check;
mod output;
mod primitive;
mod read_expr;
mod readable;
mod repl;
mod report;
mod rex_value;
mod session;
mod sire;
mod state;
mod suggest;
mod syntax_advice;
mod type_report;
mod typing;

pub use analysis::{AnalysisProgress, EvaluationInterrupt, ModuleAnalysis};
pub use assertions::AssertionReport;
pub use definition_source::DefinitionSource;
pub use diagnostic::{Diagnostic, DiagnosticKind, SourcePlace};
pub use document::{ModuleDocumentation, NameDocumentation};
pub use documentation::{SourceSymbol, source_symbols};
pub use error::SireError;
pub use interactive::{EntryOutcome, NameInfo};
pub use modules::{
    LibraryImage, ModuleArgument, ModuleLibrary, ModuleSource, SourceOverlay, module_sources,
};
pub use name_use::{NameTarget, NameUse};
pub use output::SireOutput;
pub use session::ResultForm;
pub use sire::{Sire, SireOptions};
pub use suggest::similar;
pub use type_report::{TypeReport, TypeReportKind};
