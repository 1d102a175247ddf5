//! Span frames: they report how long a law or a trace runs. See [`Vm::record`].
//!
//! A frame is pushed below the frame of the law, so that it gets the law's value. It is a mark, so
//! unwinding reports the span too. A law that is called in tail position takes over the frame of
//! the law that calls it: a loop takes no stack.

use super::frame::{self, FrameKind, SPAN_SIZE, UPDATE_SIZE};
use crate::span::{SpanRecorder, called_law, trace_name};
use crate::vm::Vm;
use plan::raw::Word;
use plan::{EvalError, Ref};
use profile::{ProfileDetail, ProfileTrack};

/// The largest number of Span and Update frames on top of each other.
const CHAIN_LIMIT: usize = 128;

impl Vm {
    /// Records on this track the collections; the traces whose message is a text, from the message
    /// to the value of the second argument of `trk`; and, if the profile has [laws], the executions
    /// of laws that take 5 microseconds or more.
    ///
    /// The span of a law lasts until it returns a value, crashes, or calls a law in tail position.
    /// In a chain of more than some 60 laws or traces that end in each other's thunks, a span ends
    /// when the next thunk is entered. A law has no span if this runtime has run it before, or if it
    /// has a native implementation. No law is compiled from then on, since compiled code has no
    /// spans.
    ///
    /// [laws]: ProfileDetail::Laws
    pub fn record(&mut self, track: ProfileTrack) {
        let collections = track.clone();
        self.on_collection(move |collection| {
            let args = vec![("copied bytes", collection.copied.into())];
            collections.span("collection", collection.kind(), collection.start, args);
        });
        if track.detail() == ProfileDetail::Laws {
            self.compiler = None;
        }
        self.evaluator.spans = Some(SpanRecorder::new(track));
    }

    /// Whether the times of laws are recorded.
    pub(super) fn reports_laws(&self) -> bool {
        self.evaluator.spans.as_ref().is_some_and(SpanRecorder::records_laws)
    }

    /// Begins the span of the law whose frame is at stack index `base`, with its arguments on top.
    /// Returns the new index of the frame. There is room for a Span frame.
    #[cold]
    pub(super) fn begin_law_span(&mut self, base: usize) -> usize {
        let Some(spans) = &self.evaluator.spans else { return base };
        let start = Word::direct(spans.now());
        let stack = &self.heap.stack;
        let law = stack.get(base);
        if FrameKind::of(stack.get(base - 1)) == FrameKind::Span {
            let below = base - SPAN_SIZE;
            let caller = Ref::new(stack.get(below), &self.heap);
            // The span of a trace lasts longer than that of the law, which gets its own frame.
            if called_law(caller).is_some() {
                spans.end(caller, stack.get(below + 1).raw());
                let stack = &mut self.heap.stack;
                stack.set(below, law);
                stack.set(below + 1, start);
                return base;
            }
        }
        let stack = &mut self.heap.stack;
        stack.open_gap(base, SPAN_SIZE);
        let mark = base + SPAN_SIZE;
        stack.set(base, law);
        stack.set(base + 1, start);
        stack.set(base + 2, Word::direct((mark - self.evaluator.mark) as u64));
        stack.set(base + 3, Word::direct(FrameKind::Span as u64));
        self.evaluator.mark = mark;
        mark
    }

    /// Begins the span of a trace, whose body is evaluated next, if its message has a text.
    pub(super) fn begin_trace_span(&mut self, message: Word) -> Result<(), EvalError> {
        let Some(spans) = &self.evaluator.spans else { return Ok(()) };
        if trace_name(Ref::new(message, &self.heap)).is_none() {
            return Ok(());
        }
        if !self.heap.stack.has_room(SPAN_SIZE + 8) {
            return Err(EvalError::StackOverflow);
        }
        let start = Word::direct(spans.now());
        self.heap.stack.push(message);
        self.heap.stack.push(start);
        self.push_mark(FrameKind::Span);
        Ok(())
    }

    /// Pops the rest of a Span frame, whose kind and distance have been popped, and reports it.
    #[cold]
    pub(super) fn end_span(&mut self) {
        let start = frame::pop_number(&mut self.heap.stack) as u64;
        let subject = self.heap.stack.pop();
        if let Some(spans) = &self.evaluator.spans {
            spans.end(Ref::new(subject, &self.heap), start);
        }
    }

    /// Ends the spans on top of an Update frame, if that is the end of a long chain of such frames:
    /// the next thunk shares the Update frame, so that the chain takes no more stack.
    #[cold]
    pub(super) fn end_spans_of_a_long_chain(&mut self) {
        let stack = &self.heap.stack;
        let mut bottom = stack.top();
        for _ in 0..CHAIN_LIMIT {
            bottom -= match FrameKind::of(stack.get(bottom - 1)) {
                FrameKind::Span => SPAN_SIZE,
                FrameKind::Update => UPDATE_SIZE,
                _ => return,
            };
        }
        while FrameKind::of(self.heap.stack.peek(0)) == FrameKind::Span {
            self.heap.stack.pop();
            self.pop_mark();
            self.end_span();
        }
    }
}
