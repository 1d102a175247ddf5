//! The sources of bar views in a full collection.
//!
//! A view keeps all bytes of its source alive, also if it needs a few of them. A full collection
//! therefore does not visit the source of a view that needs less than half of it. It collects these
//! views, and looks at them when everything else has been copied:
//!
//! - If the source has been copied for another reason, the views refer to the copy.
//! - Otherwise, if the views of a source together need at least half of its bytes, it is copied.
//! - Otherwise the bytes that the views need are copied into bars of their own.
//!
//! So the memory of a source is at most twice what its views need, or is kept by something else. In
//! a young collection a source is a value like any other: large ones are old, and small ones get old
//! only if they survive.
//!
//! # Safety
//!
//! The addresses below are those of views that the running collection has copied, and of sources
//! that were live when it began; it frees nothing before its end.

use super::collection::Collection;
use super::object;
use crate::layout::{BAR_VIEW_OFFSET, BAR_VIEW_SOURCE, ObjectHeader, ObjectLayout};
use crate::pinspace::range::is_frozen;
use crate::word::{Word, WordKind};

/// Ranges of bytes with fewer bytes between them are copied together: a bar of its own would take
/// as much.
const MAX_GAP: usize = 16;

/// A view that has been copied, and does not refer to its source until the end of the collection.
#[derive(Clone, Copy)]
pub(super) struct DetachedView {
    /// The address of the source.
    source: usize,
    /// The offset of the first byte.
    offset: usize,
    /// The number of bytes.
    length: usize,
    /// The address of the view.
    view: usize,
}

impl DetachedView {
    fn end(&self) -> usize {
        self.offset + self.length
    }
}

/// The number of bytes that a source has room for.
fn capacity(source: ObjectHeader) -> usize {
    8 * (source.size() - 1)
}

impl Collection<'_> {
    /// Detaches the view at that address from its source, if the source has not been copied and the
    /// view needs less than half of it.
    ///
    /// # Safety
    /// The address is that of a view that this full collection has just copied.
    pub(super) unsafe fn detach_view(&mut self, view: usize) {
        // SAFETY: a view has these payload words.
        let (length, source, offset) = unsafe {
            (
                object::load_raw(view, 0) as usize,
                object::load(view, BAR_VIEW_SOURCE).address(),
                object::load_raw(view, BAR_VIEW_OFFSET) as usize,
            )
        };
        if is_frozen(source) {
            return;
        }
        // SAFETY: see the module documentation.
        let header = unsafe { object::header(source) };
        if header.new_address().is_some() || 2 * length >= capacity(header) {
            return;
        }
        self.detached_views.push(DetachedView { source, offset, length, view });
        // SAFETY: as above.
        unsafe { object::store_raw(view, BAR_VIEW_SOURCE, Word::ZERO.raw()) };
    }

    /// Attaches the detached views to their sources, or to copies of parts of them. Everything
    /// reachable has been copied except these sources.
    pub(super) fn attach_views(&mut self) {
        let mut views = std::mem::take(&mut self.detached_views);
        views.sort_unstable_by_key(|view| (view.source, view.offset));
        for views in views.chunk_by(|a, b| a.source == b.source) {
            let source = views[0].source;
            // SAFETY: see the module documentation.
            let header = unsafe { object::header(source) };
            let whole = match header.new_address() {
                Some(new) => Some(new),
                None if 2 * needed_bytes(views) >= capacity(header) => {
                    let new = self.copy_whole(source, header);
                    // SAFETY: as above; the source has just been copied.
                    unsafe { object::set_header(source, ObjectHeader::moved(new)) };
                    Some(new)
                }
                None => None,
            };
            if let Some(new) = whole {
                views.iter().for_each(|view| attach(view, new, 0));
                continue;
            }
            let mut rest = views;
            while !rest.is_empty() {
                let (count, end) = overlapping(rest);
                let (together, others) = rest.split_at(count);
                let start = together[0].offset;
                let part = self.copy_part(source, start, end - start);
                together.iter().for_each(|view| attach(view, part, start));
                rest = others;
            }
        }
    }

    fn copy_whole(&mut self, source: usize, header: ObjectHeader) -> usize {
        let new = self.to.take(1 + header.size());
        // SAFETY: the source has not moved, and the words at `new` have just been allocated.
        unsafe { object::relocate(source, new, header.size()) };
        if header.is_remembered() {
            // SAFETY: the object at `new` has just been written.
            unsafe { object::set_header(new, header.with_remembered(false)) };
        }
        self.copied += 1 + header.size() as u64;
        new
    }

    /// Copies bytes of a source into a flat bar, and returns its address.
    fn copy_part(&mut self, source: usize, from: usize, length: usize) -> usize {
        let size = 1 + length.div_ceil(8);
        let new = self.to.take(1 + size);
        // SAFETY: the words at `new` have just been allocated. The source has the bytes of its
        // views, which these are.
        unsafe {
            object::set_header(new, ObjectHeader::new(ObjectLayout::Bar, 0, size));
            object::store_raw(new, 0, length as u64);
            object::store_raw(new, size - 1, 0);
            object::copy_bytes(source, 1, from, new, length);
        }
        self.copied += 1 + size as u64;
        new
    }
}

/// Makes a view refer to a source that has the bytes from `start` on of the source before.
fn attach(view: &DetachedView, source: usize, start: usize) {
    // SAFETY: see the module documentation; a view has these payload words.
    unsafe {
        let word = Word::object(WordKind::Bar, source);
        object::store_raw(view.view, BAR_VIEW_SOURCE, word.raw());
        object::store_raw(view.view, BAR_VIEW_OFFSET, (view.offset - start) as u64);
    }
}

/// Returns how many of the first views, which are in the order of their offsets, are copied
/// together, and the end of their bytes.
fn overlapping(views: &[DetachedView]) -> (usize, usize) {
    let mut end = 0;
    for (count, view) in views.iter().enumerate() {
        if count > 0 && view.offset > end + MAX_GAP {
            return (count, end);
        }
        end = end.max(view.end());
    }
    (views.len(), end)
}

/// Returns the number of bytes that the views of a source need, with small gaps between them.
fn needed_bytes(mut views: &[DetachedView]) -> usize {
    let mut needed = 0;
    while let Some(first) = views.first() {
        let (count, end) = overlapping(views);
        needed += end - first.offset;
        views = &views[count..];
    }
    needed
}
