//! Decoded bindings: each binding is decoded once, and its code only on demand.
//!
//! A binding is a pin of the row `[key value code location name props]`. Many scopes and expressions
//! refer to the same pin; the cache maps each of them to one [`Binding`].

use super::node::Binding;
use crate::malformed::MalformedValue;
use foldhash::HashMap;
use plan::{Natural, Ref, Shape};
use std::cell::RefCell;
use std::rc::{Rc, Weak};
use vm::Vm;

/// The length of a binding's row.
pub(super) const FIELDS: usize = 6;
const KEY: usize = 0;
const VALUE: usize = 1;
pub(super) const CODE: usize = 2;
const LOCATION: usize = 3;
const NAME: usize = 4;

pub(super) const BAD_BINDING: MalformedValue =
    MalformedValue("binding: it is not a pinned row of six");

/// Returns the fields of an encoded binding, or `None` if it is not a pin of a row of six.
pub(super) fn fields(encoded: Ref<'_>) -> Option<[Ref<'_>; FIELDS]> {
    let Shape::Pin(pin) = encoded.shape() else { return None };
    let row = pin.item().as_row()?;
    row.iter().collect::<Vec<_>>().try_into().ok()
}

impl Binding {
    /// Returns the name of the module that made the binding.
    pub(crate) fn location(&self, vm: &Vm) -> Option<Natural> {
        Some(fields(vm.look(&self.encoded))?[LOCATION].as_nat()?.to_natural())
    }

    /// Returns the name under which the binding was made.
    pub(crate) fn name(&self, vm: &Vm) -> Option<Natural> {
        Some(fields(vm.look(&self.encoded))?[NAME].as_nat()?.to_natural())
    }
}

/// The bindings that have been decoded.
///
/// The table is indexed by the bindings' keys. Keys are mostly unique, but programs choose some of
/// them, so the identity of the encoded value decides.
#[derive(Default)]
pub(crate) struct BindingCache {
    by_key: RefCell<HashMap<u64, Vec<Weak<Binding>>>>,
}

impl BindingCache {
    /// Returns the binding that `encoded` encodes.
    pub(crate) fn find(&self, vm: &Vm, encoded: Ref<'_>) -> Result<Rc<Binding>, MalformedValue> {
        let row = fields(encoded).ok_or(BAD_BINDING)?;
        let key = row[KEY].as_nat().ok_or(MalformedValue("binding: its key is not a nat"))?;
        let mut by_key = self.by_key.borrow_mut();
        let candidates = by_key.entry(key.saturating_u64()).or_default();
        let is_same = |binding: &Rc<Binding>| vm.look(&binding.encoded).is_same(encoded);
        if let Some(binding) = candidates.iter().filter_map(Weak::upgrade).find(is_same) {
            return Ok(binding);
        }
        let binding = Rc::new(Binding::new(vm.hold(encoded), vm.hold(row[VALUE])));
        candidates.retain(|binding| binding.strong_count() > 0);
        candidates.push(Rc::downgrade(&binding));
        Ok(binding)
    }

    /// Adds a new binding with its key.
    pub(crate) fn add(&self, key: &Natural, binding: Binding) -> Rc<Binding> {
        let binding = Rc::new(binding);
        let key = u64::try_from(key).unwrap_or(u64::MAX);
        let mut by_key = self.by_key.borrow_mut();
        let candidates = by_key.entry(key).or_default();
        // A session that executes a module again makes bindings with the same keys.
        candidates.retain(|binding| binding.strong_count() > 0);
        candidates.push(Rc::downgrade(&binding));
        binding
    }
}
