//! The interactive session on a terminal: [`InteractiveSession::run`] reads entries with a line
//! editor and passes them to [`sire::Sire`].
//!
//! ```text
//! session      reads entries and executes them
//! command_table  the commands that begin with a colon
//! completion   names and commands that complete a word
//! editor       the line editor: history, completion, colours
//! entry        whether an entry is complete
//! highlight    colours of the text that is edited
//! ```

mod command_table;
mod completion;
mod editor;
mod entry;
mod highlight;
mod session;

pub(crate) use session::InteractiveSession;
