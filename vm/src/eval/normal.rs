//! Normal form: a value that contains no thunks.
//!
//! Apps, rows and tables are normalised in place: each value in them is evaluated, normalised and
//! stored back, and then the object is marked as normal, so that a shared object is traversed once.
//! Each level of nesting takes a Force frame, so depth costs stack words. A chained app is
//! flattened here, and the app of a set to a matching row becomes a table.
//!
//! The values are normalised in the order of the app that PLAN sees: a row is its constructor
//! applied to the last item first, so of several crashes that of the last item is the result. The
//! nodes of a long row ([`plan::raw::tree`]) are normalised and marked like rows.

use super::frame::{self, FrameKind};
use super::next_step::NextStep;
use crate::vm::Vm;
use plan::EvalError;
use plan::raw::{ObjectLayout, Word, WordKind, shape};

/// The payload index of the value that is normalised in that step, and the step of a payload index.
fn slot(object: Word, index: usize, size: usize) -> usize {
    match object.kind() {
        WordKind::Row => size - 1 - index,
        _ => index,
    }
}

impl Vm {
    /// Normalises an evaluated word.
    pub(super) fn normalise(&mut self, word: Word) -> Result<NextStep, EvalError> {
        if self.heap.is_normal(word) {
            return Ok(NextStep::Return(word));
        }
        self.normalise_from(word, 0, None)
    }

    /// Whether a value contains no unevaluated thunk. Looks at no more than `limit` parts, and
    /// answers `false` if there are more.
    pub(crate) fn is_evaluated_within(&self, word: Word, limit: &mut usize) -> bool {
        let word = self.heap.resolve(word);
        if word.is_thunk() || self.heap.is_normal(word) {
            return !word.is_thunk();
        }
        (0..self.heap.size(word)).all(|index| {
            let is_within = *limit > 0;
            *limit = limit.saturating_sub(1);
            is_within && self.is_evaluated_within(self.heap.load(word, index), limit)
        })
    }

    /// Normalises a value on the spot if its parts are evaluated and no object of another form is to
    /// be made. Looks at no more than `limit` parts. Returns whether the value is normal now.
    pub(crate) fn normalise_evaluated(&mut self, word: Word, limit: &mut u32) -> bool {
        if self.heap.is_normal(word) {
            return true;
        }
        let is_final = match word.kind() {
            WordKind::Row => true,
            WordKind::App => {
                let function = self.heap.load(word, 0).kind();
                !matches!(function, WordKind::App | WordKind::Set | WordKind::Thunk)
            }
            _ => false,
        };
        if !is_final {
            return false;
        }
        for index in 0..self.heap.size(word) {
            let before = self.heap.load(word, index);
            if self.heap.is_normal(before) {
                continue;
            }
            let Some(rest) = limit.checked_sub(1) else { return false };
            *limit = rest;
            let part = self.heap.resolve(before);
            if !self.normalise_evaluated(part, limit) {
                return false;
            }
            if part != before {
                self.heap.store(word, index, part);
            }
        }
        self.heap.mark_normal(word);
        true
    }

    /// Continues normalising an object with the value of step `index`. `done` is that value, if it
    /// has been normalised. The objects in it that are evaluated are normalised in this loop, since
    /// a new data structure has many; only a thunk returns to the loop of the evaluator.
    pub(super) fn normalise_from(
        &mut self,
        mut object: Word,
        mut index: usize,
        mut done: Option<Word>,
    ) -> Result<NextStep, EvalError> {
        loop {
            let Some(word) = self.find_unfinished(object, index, done)? else {
                let object_done = self.finish(object)?;
                if !frame::is_on_top(&self.heap.stack, FrameKind::Force) {
                    return Ok(NextStep::Return(object_done));
                }
                (object, index) = frame::pop_force(&mut self.heap.stack);
                done = Some(object_done);
                continue;
            };
            if word.is_thunk() {
                frame::push_kind(&mut self.heap.stack, FrameKind::Normal);
                return Ok(NextStep::Eval(word));
            }
            (object, index, done) = (word, 0, None);
        }
    }

    /// Stores the value of step `index`, if it is `done`, and looks for the next value in the object
    /// that is not normal. Pushes a Force frame and returns the value; returns None if there is no
    /// such value.
    fn find_unfinished(
        &mut self,
        object: Word,
        mut index: usize,
        done: Option<Word>,
    ) -> Result<Option<Word>, EvalError> {
        let size = self.heap.size(object);
        if let Some(value) = done {
            self.heap.store(object, slot(object, index, size), value);
            index += 1;
        }
        loop {
            index += self.count_normal(object, index, size);
            if index >= size {
                return Ok(None);
            }
            let slot = slot(object, index, size);
            let before = self.heap.load(object, slot);
            let mut word = self.heap.resolve(before);
            if self.heap.is_normal(word) {
                if word != before {
                    self.heap.store(object, slot, word);
                }
                index += 1;
                continue;
            }
            if !self.heap.stack.has_room(16) {
                return Err(EvalError::StackOverflow);
            }
            self.heap.stack.push(object);
            frame::push_number(&mut self.heap.stack, index);
            frame::push_kind(&mut self.heap.stack, FrameKind::Force);
            // Compiled code that produces the values may return before it checks.
            if self.heap.interrupt.is_pending() {
                self.heap.stack.push(word);
                self.obey_interrupt()?;
                word = self.heap.stack.pop();
            }
            return Ok(Some(word));
        }
    }

    /// How many values of an object are known to be normal, from that of step `index` on. A long
    /// object that was changed in one place has many.
    fn count_normal(&self, object: Word, index: usize, size: usize) -> usize {
        if let Some(item) = self.heap.unfinished_item(object) {
            let step = slot(object, item, size);
            return if index <= step { step - index } else { size - index };
        }
        let words = self.heap.words(object, 0);
        let is_normal = |word: &&Word| self.heap.is_normal(**word);
        match object.kind() {
            WordKind::Row => words[..size - index].iter().rev().take_while(is_normal).count(),
            _ => words[index..].iter().take_while(is_normal).count(),
        }
    }

    /// The final layout of an object whose values are all normal.
    fn finish(&mut self, object: Word) -> Result<Word, EvalError> {
        let mut object = object;
        if object.kind() == WordKind::App {
            let function = self.heap.load(object, 0);
            match function.kind() {
                WordKind::App => object = self.flatten(object)?,
                WordKind::Set => object = self.keyed(object)?,
                _ => {}
            }
        }
        self.heap.mark_normal(object);
        Ok(object)
    }

    /// A chained app as one flat object. The app that it extends is flat already.
    fn flatten(&mut self, app: Word) -> Result<Word, EvalError> {
        let function = self.heap.load(app, 0);
        let (inner, outer) = (self.heap.size(function), self.heap.size(app) - 1);
        let left = self.heap.header(app).extra();
        self.heap.stack.push(app);
        let reserved = self.heap.reserve(1 + inner + outer);
        let app = self.heap.stack.pop();
        reserved?;
        let function = self.heap.load(app, 0);
        let mut flat = self.heap.allocate(ObjectLayout::App, left, inner + outer);
        flat.copy_from(0, self.heap.words(function, 0));
        flat.copy_from(inner, self.heap.words(app, 1));
        Ok(flat.finish())
    }

    /// A set applied to one value: the table, if the value is a row of matching length.
    fn keyed(&mut self, app: Word) -> Result<Word, EvalError> {
        let (keys, values) = (self.heap.load(app, 0), self.heap.load(app, 1));
        self.heap.stack.push(keys);
        self.heap.stack.push(values);
        let made = shape::make_partial(&mut self.heap, 1, 2);
        let result = self.heap.stack.peek(0);
        let top = self.heap.stack.top() - if made.is_ok() { 1 } else { 2 };
        self.heap.stack.truncate(top);
        made?;
        Ok(result)
    }
}
