//! `pallas lsp`, driven through the protocol by a client with the server as a child process.
//!
//! ```text
//! features   each request, on small texts
//! lifecycle  the beginning and the end of the server, cancelled requests, evaluations without end
//! files      every file of our library, and of the prototype's with `PALLAS_REFERENCE`, opens
//! edits      random edits neither stop the server nor make it lose the text
//! ```

mod edits;
mod features;
mod files;
mod lifecycle;
