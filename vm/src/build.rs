//! Making values: [`Builder`], which works on the top of the evaluation stack.
//!
//! Operands are pushed and replaced by what is made of them, so nothing the builder holds can be
//! lost to a collection. Values built have the shape that PLAN's rules and `shape` give them.

use crate::heap::Val;
use crate::heap::object::Layout;
use crate::word::{Kind, Word};
use crate::{Hash, Natural, Ref, Shape, Stop, Vm, bar, nat, pin, shape, tree};

/// Builds values on the stack of a [`Vm`]. Dropping it drops what was pushed.
pub struct Builder<'v> {
    vm: &'v mut Vm,
    base: usize,
}

impl<'v> Builder<'v> {
    /// A builder with nothing pushed.
    pub fn new(vm: &'v mut Vm) -> Builder<'v> {
        let base = vm.heap.stack.top();
        Builder { vm, base }
    }

    /// How many values have been pushed and not been used up.
    pub fn len(&self) -> usize {
        self.vm.heap.stack.top() - self.base
    }

    /// Whether nothing is pushed.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Looks at the value at that index from the bottom.
    ///
    /// # Panics
    /// If fewer values are there.
    pub fn get(&self, index: usize) -> Ref<'_> {
        Ref::new(self.vm.heap.stack.get_checked(self.base + index), &self.vm.heap)
    }

    /// The value on top, kept; the builder is done with.
    ///
    /// # Panics
    /// If nothing is pushed.
    pub fn finish(self) -> Val {
        assert!(!self.is_empty(), "nothing was built");
        let top = self.vm.heap.stack.peek(0);
        self.vm.heap.root(top)
    }

    fn push_word(&mut self, word: Word) {
        self.vm.heap.stack.push_checked(word);
    }

    /// Makes sure that `count` more values can be pushed.
    ///
    /// # Errors
    /// [`Stop::StackFull`].
    pub fn room_for(&mut self, count: usize) -> Result<(), Stop> {
        if self.vm.heap.stack.has_room(count) { Ok(()) } else { Err(Stop::StackFull) }
    }

    /// Pushes a value.
    pub fn push(&mut self, val: &Val) {
        let word = self.vm.heap.word(val);
        self.push_word(word);
    }

    /// Pushes the value at that index from the bottom again.
    pub fn push_copy(&mut self, index: usize) {
        let word = self.vm.heap.stack.get_checked(self.base + index);
        self.push_word(word);
    }

    /// Pushes a nat.
    ///
    /// # Errors
    /// [`Stop::HeapFull`], as for everything below.
    pub fn push_nat(&mut self, nat: u64) -> Result<(), Stop> {
        self.push_limbs(&[nat])
    }

    /// Pushes a nat of any size.
    ///
    /// # Errors
    /// [`Stop::HeapFull`].
    pub fn push_natural(&mut self, nat: &Natural) -> Result<(), Stop> {
        self.push_limbs(nat.as_limbs_asc())
    }

    /// Pushes the nat with these bytes, least first.
    ///
    /// # Errors
    /// [`Stop::HeapFull`].
    pub fn push_nat_bytes(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        if bytes.len() <= 8 {
            let mut limb = [0; 8];
            limb[..bytes.len()].copy_from_slice(bytes);
            return self.push_nat(u64::from_le_bytes(limb));
        }
        let word = nat::from_bytes(&mut self.vm.heap, bytes)?;
        self.push_word(word);
        Ok(())
    }

    /// Pushes the nat with these limbs, least first; leading zero limbs do not matter.
    ///
    /// # Errors
    /// [`Stop::HeapFull`].
    pub fn push_limbs(&mut self, limbs: &[u64]) -> Result<(), Stop> {
        let word = nat::from_limbs(&mut self.vm.heap, limbs)?;
        self.push_word(word);
        Ok(())
    }

    /// Pushes a bar.
    ///
    /// # Errors
    /// [`Stop::HeapFull`].
    pub fn push_bar(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        let word = bar::make(&mut self.vm.heap, bytes)?;
        self.push_word(word);
        Ok(())
    }

    /// Replaces the top `count` values, first pushed first, by the row of them.
    ///
    /// # Errors
    /// [`Stop::HeapFull`].
    pub fn row(&mut self, count: usize) -> Result<(), Stop> {
        self.vm.heap.reserve(1 + count)?;
        let row = self.vm.heap.allocate_popped(Layout::Row, 0, count);
        self.push_word(row);
        Ok(())
    }

    /// Replaces a function and `count` arguments above it by the application. Too few arguments to
    /// run it make an app (or the data jet that it is), enough of them a thunk.
    ///
    /// # Errors
    /// [`Stop::HeapFull`].
    pub fn app(&mut self, count: usize) -> Result<(), Stop> {
        shape::apply_lazily(&mut self.vm.heap, count)?;
        Ok(())
    }

    /// Replaces name, arity and body, all of them in normal form, by the law (or the data jet that
    /// it is). Not nats: 0.
    ///
    /// # Errors
    /// [`Stop::HeapFull`]; a crash `(0 0)` for an arity of 0, as PLAN has it.
    pub fn law(&mut self) -> Result<(), Stop> {
        if shape::make_law(&mut self.vm.heap)? {
            return Ok(());
        }
        let zero = Val::direct(Word::ZERO);
        Err(Stop::Crash { op: zero.clone(), arg: zero })
    }

    /// Replaces a value in normal form by the pin around it.
    ///
    /// # Errors
    /// [`Stop::HeapFull`].
    pub fn pin(&mut self) -> Result<(), Stop> {
        make_pin(self.vm)
    }

    /// Replaces a value in normal form by a pin around it that claims that hash.
    pub(crate) fn stand_in(&mut self, hash: Hash) -> Result<(), Stop> {
        self.vm.heap.reserve(1 + pin::SIZE)?;
        let item = self.vm.heap.stack.pop();
        let word = pin::allocate(&mut self.vm.heap, item);
        pin::set_hash(word, hash);
        self.push_word(word);
        Ok(())
    }

    /// Replaces the top two values, a set and a row of as many values, by the table.
    ///
    /// # Panics
    /// If the values are something else.
    ///
    /// # Errors
    /// [`Stop::HeapFull`].
    pub fn tab(&mut self) -> Result<(), Stop> {
        shape::apply_lazily(&mut self.vm.heap, 1)?;
        assert_eq!(self.vm.heap.stack.peek(0).kind(), Kind::Tab, "a set and a row of values");
        Ok(())
    }

    /// Replaces a table, and a key and a value in normal form above it, by the table in which the
    /// key has that value. Of a long one, all but two paths is shared.
    ///
    /// # Panics
    /// If the first value is no table.
    ///
    /// # Errors
    /// [`Stop::HeapFull`], and [`Stop::Interrupted`] while keys are compared.
    pub fn tab_insert(&mut self) -> Result<(), Stop> {
        let place = {
            let (table, key) = (self.get(self.len() - 3), self.get(self.len() - 2));
            let Shape::Tab(keys, _) = table.shape() else { panic!("a table, a key and a value") };
            keys.search(key)?
        };
        tree::edit::put_in_table(&mut self.vm.heap, place)?;
        Ok(())
    }
}

impl Drop for Builder<'_> {
    fn drop(&mut self) {
        self.vm.heap.stack.truncate(self.base);
    }
}

/// No law that a jet stands for has more words than this, counting shared ones as often as they
/// occur. A few shared parts can make a law whose hash would take forever; that is computed only
/// if somebody asks for it.
const JET_WORDS: usize = 1 << 20;

/// Replaces the value on top of the stack, which is in normal form, by the pin around it. The pin
/// of a law is hashed at once and looked up among the jets.
pub(crate) fn make_pin(vm: &mut Vm) -> Result<(), Stop> {
    vm.heap.reserve(1 + pin::SIZE)?;
    let item = vm.heap.stack.pop();
    let word = pin::allocate(&mut vm.heap, item);
    vm.heap.stack.push_checked(word);
    if item.kind() == Kind::Law
        && !vm.jets.is_empty()
        && let Some(hash) = crate::hash::hash_within(Ref::new(item, &vm.heap), JET_WORDS)?
    {
        pin::set_hash(word, hash);
        match vm.jets.find(&hash) {
            Some(jet) => pin::set_jet(word, jet),
            None => vm.jets.missed(Ref::new(item, &vm.heap), &hash),
        }
    }
    Ok(())
}
