//! [`CallChain`]: the calls of laws that were in progress when an evaluation failed; and its
//! [`ChainRecorder`].
//!
//! Nothing is recorded while an evaluation runs. Its frames are read when an error unwinds them (see
//! `eval::recorder`), each of them once, so the work is bounded by that of pushing the frames. The
//! chain is kept beside the error, outside the heap: a crash is a value of PLAN, its chain is none.
//!
//! A law whose call was a tail call has no frame, and neither has one that was inlined into compiled
//! code, so the chain has gaps.

use plan::{Heap, NatRef, Ref, Shape, Val};
use std::collections::VecDeque;

/// The number of entries at the inner end that are kept.
pub(crate) const INNERMOST_LIMIT: usize = 20;
/// The number of entries at the outer end that are kept.
pub(crate) const OUTERMOST_LIMIT: usize = 5;
/// The most characters of a name that are shown.
const NAME_LIMIT: usize = 80;

/// The calls of laws that were in progress when an evaluation failed, innermost first.
#[derive(Default)]
pub struct CallChain {
    /// The entries at the inner end.
    pub(crate) innermost: Vec<CallChainEntry>,
    /// The number of calls between both ends, which are not kept.
    pub(crate) omitted: u64,
    /// The entries at the outer end.
    pub(crate) outermost: VecDeque<CallChainEntry>,
}

/// One or more calls of a law, each made by the next.
pub(crate) struct CallChainEntry {
    /// The law.
    pub(crate) law: Val,
    /// The number of calls.
    pub(crate) calls: u64,
}

impl CallChain {
    /// Whether no call is known.
    pub fn is_empty(&self) -> bool {
        self.innermost.is_empty()
    }

    /// Returns the chain as text, a line for each entry: the name of the law, the place that `place`
    /// finds for its name and value, and the number of calls if there are several.
    ///
    /// # Panics
    /// It may panic if the chain is of another heap.
    pub fn lines(
        &self,
        heap: &Heap,
        mut place: impl FnMut(&str, Ref<'_>) -> Option<String>,
    ) -> Vec<String> {
        let mut line = |entry: &CallChainEntry| {
            let law = heap.look(&entry.law);
            let name = match law.shape() {
                Shape::Law(law) => law_name(&law.name()),
                _ => String::new(),
            };
            let place = place(&name, law);
            let mut text = match name.char_indices().nth(NAME_LIMIT) {
                Some((end, _)) => format!("{}...", &name[..end]),
                None if name.is_empty() => "(a law without a name)".to_owned(),
                None => name,
            };
            if let Some(place) = place {
                text.push_str(&format!("  ({place})"));
            }
            if entry.calls > 1 {
                text.push_str(&format!("  ({} times)", entry.calls));
            }
            text
        };
        let mut lines: Vec<String> = self.innermost.iter().map(&mut line).collect();
        if self.omitted > 0 {
            lines.push(format!("... {} more calls ...", self.omitted));
        }
        lines.extend(self.outermost.iter().map(&mut line));
        lines
    }

    /// Adds a call that made the last one.
    pub(crate) fn push(&mut self, entry: CallChainEntry) {
        if self.innermost.len() < INNERMOST_LIMIT {
            self.innermost.push(entry);
            return;
        }
        self.outermost.push_back(entry);
        if self.outermost.len() > OUTERMOST_LIMIT
            && let Some(dropped) = self.outermost.pop_front()
        {
            self.omitted += dropped.calls;
        }
    }

    /// The outermost entry.
    pub(crate) fn last_mut(&mut self) -> Option<&mut CallChainEntry> {
        self.outermost.back_mut().or(self.innermost.last_mut())
    }

    pub(crate) fn clear(&mut self) {
        self.innermost.clear();
        self.omitted = 0;
        self.outermost.clear();
    }
}

/// The recorder of the chain of one error at a time.
#[derive(Default)]
pub(crate) struct ChainRecorder {
    pub(crate) chain: CallChain,
    /// Whether an error is on its way, and the chain is its.
    pub(crate) is_open: bool,
    /// The pool of the last call, if that was the call of a decoded law.
    pub(crate) last_pool: Option<u32>,
    /// The base of the frame of the last call.
    pub(crate) last_base: usize,
}

impl ChainRecorder {
    /// Begins the chain of an error, unless it has begun.
    pub(crate) fn open(&mut self) {
        if !self.is_open {
            self.discard();
            self.is_open = true;
        }
    }

    /// Discards the chain, because the error was caught or another one follows.
    pub(crate) fn discard(&mut self) {
        self.chain.clear();
        self.is_open = false;
        self.last_pool = None;
        self.last_base = 0;
    }
}

/// A law's name as text, or the number that it is; empty if it is neither printable nor short.
pub(crate) fn law_name(name: &NatRef<'_>) -> String {
    let is_printable = |text: &String| !text.is_empty() && !text.chars().any(char::is_control);
    let number = || name.to_u64().filter(|number| *number > 0).map(|number| number.to_string());
    name.text().filter(is_printable).or_else(number).unwrap_or_default()
}
