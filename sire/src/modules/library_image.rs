//! The image of the library: the states after its modules, compiled when the program is built.
//!
//! A session starts from the longest prefix of its load order that the image has, whether it loads a
//! module of the library or one that imports some. It compiles none of that prefix and writes no
//! file, so a start is as fast with an empty cache as with a full one.
//!
//! The image has the form of a cache file ([`state_cache`](super::state_cache)), with the states of
//! many load orders: a [`StateKey`] stands for a whole prefix. A module that replaces one of the
//! library has other text, so the keys from there on are not in the image.
//!
//! # Safety
//!
//! Invariant: *the bytes of a [`LibraryImage`] are those that [`save_states`] wrote into a file*.
//! [`LibraryImage::new`] requires it.

use super::state_cache::{CacheError, StateKey, keys_of_label, save_states, states_of_root};
use plan::Val;
use plan::image::EmbeddedImage;
use plan::pinspace::FrozenPin;
use std::fs::File;
use std::path::Path;
use std::sync::OnceLock;
use vm::Vm;

/// The states after the modules of the library, which a program embeds
/// ([`Sire::start_from`](crate::Sire::start_from)).
pub struct LibraryImage {
    bytes: &'static [u8],
    /// The root of the image once a session has opened it; none if it cannot be opened. All sessions
    /// of the process share it.
    root: OnceLock<Option<FrozenPin>>,
}

impl LibraryImage {
    /// Makes the library image of these bytes. Without bytes it has no states.
    ///
    /// # Safety
    /// [`Sire::write_library_image`](crate::Sire::write_library_image) wrote the bytes into a file,
    /// or there are none.
    pub const unsafe fn new(bytes: &'static [u8]) -> LibraryImage {
        LibraryImage { bytes, root: OnceLock::new() }
    }

    /// Returns the number of states that the image has for the first of these keys.
    pub(crate) fn count(&self, keys: &[StateKey]) -> usize {
        let Some(image) = self.image() else { return 0 };
        let known = keys_of_label(image.label());
        keys.iter().take_while(|key| known.contains(key)).count()
    }

    /// Returns the packed states for these keys. Returns nothing if the image lacks one of them, or
    /// cannot be opened. Only the addresses of pins can be unavailable then, which a cache reports.
    pub(crate) fn states(&self, vm: &mut Vm, keys: &[StateKey]) -> Vec<Val> {
        let Some(image) = self.image() else { return Vec::new() };
        // SAFETY: by the module's invariant.
        let root = self.root.get_or_init(|| unsafe { image.open() }.ok());
        let Some(root) = root else { return Vec::new() };
        let known = keys_of_label(image.label());
        let states = states_of_root(vm, root).filter(|states| states.len() == known.len());
        let Some(states) = states else { return Vec::new() };
        let index = |key: &StateKey| known.iter().position(|known| known == key);
        let indices: Option<Vec<usize>> = keys.iter().map(index).collect();
        indices.into_iter().flatten().map(|index| states[index].clone()).collect()
    }

    fn image(&self) -> Option<EmbeddedImage> {
        EmbeddedImage::new(self.bytes).ok()
    }
}

/// Writes the image of these packed states to a new file.
///
/// # Errors
/// If the file exists, or cannot be written.
pub(crate) fn write_library_image(
    vm: &mut Vm,
    keys: &[StateKey],
    states: &[Val],
    path: &Path,
) -> Result<(), CacheError> {
    let file = File::options().read(true).write(true).create_new(true).open(path)?;
    // SAFETY: this call has created the file, and nothing else has its path before this returns.
    unsafe { save_states(vm, keys, states, &file, path) }
}
