//! [`ReferenceScope`]: the bindings of references in the code of a law or of one of its thunks.

/// The bindings of all references that some code may use. `B` is the place of a value in the
/// generated code.
#[derive(Clone, Debug)]
pub struct ReferenceScope<B> {
    /// Sorted by reference.
    bindings: Vec<(u64, B)>,
}

impl<B: Copy> ReferenceScope<B> {
    /// Makes the scope with these bindings of the references 0, 1 and so on: the law itself and its
    /// arguments.
    pub fn new(bindings: impl IntoIterator<Item = B>) -> ReferenceScope<B> {
        ReferenceScope { bindings: (0..).zip(bindings).collect() }
    }

    /// Returns the binding of a reference.
    ///
    /// # Panics
    /// If the reference is not in scope.
    #[inline]
    pub fn get(&self, reference: u64) -> B {
        match self.find(reference) {
            Ok(index) => self.bindings[index].1,
            Err(_) => panic!("reference {reference} is not in scope"),
        }
    }

    /// Sets the binding of a reference, which may be in scope already.
    pub fn bind(&mut self, reference: u64, binding: B) {
        match self.find(reference) {
            Ok(index) => self.bindings[index].1 = binding,
            Err(index) => self.bindings.insert(index, (reference, binding)),
        }
    }

    /// Makes the scope of a thunk that uses these references, in ascending order; `None` stands for
    /// all references. `capture` converts each binding to that in the thunk's code, in ascending
    /// order of references.
    pub fn of_thunk(
        &self,
        used: Option<&[u64]>,
        mut capture: impl FnMut(B) -> B,
    ) -> ReferenceScope<B> {
        let is_used = |reference| used.is_none_or(|used| used.binary_search(reference).is_ok());
        let used = self.bindings.iter().filter(|(reference, _)| is_used(reference));
        ReferenceScope {
            bindings: used.map(|(reference, binding)| (*reference, capture(*binding))).collect(),
        }
    }

    fn find(&self, reference: u64) -> Result<usize, usize> {
        self.bindings.binary_search_by_key(&reference, |(reference, _)| *reference)
    }
}

#[cfg(test)]
mod tests {
    use super::ReferenceScope;

    #[test]
    fn thunks_capture_what_they_use() {
        let mut scope = ReferenceScope::new([10, 11, 12]);
        scope.bind(7, 17);
        scope.bind(4, 14);
        scope.bind(2, 22);
        let mut captured = Vec::new();
        let thunk = scope.of_thunk(Some(&[2, 3, 7]), |binding| {
            captured.push(binding);
            captured.len()
        });
        assert_eq!((thunk.get(2), thunk.get(7)), (1, 2));
        assert_eq!(captured, [22, 17]);
        let mut captured = Vec::new();
        scope.of_thunk(None, |binding| {
            captured.push(binding);
            binding
        });
        assert_eq!(captured, [10, 11, 22, 14, 17]);
    }
}
