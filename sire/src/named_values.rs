//! The values of the names that a session knows, for tools that look for one.

use crate::Sire;
use crate::suggest;
use plan::Val;

impl Sire {
    /// Returns the names in scope and the names of loaded modules with their qualifiers, such as
    /// `json.parse`, with their values.
    pub fn named_values(&self) -> Vec<(String, Val)> {
        let value = |name: String| Some((self.binding_of(&name)?.value.clone(), name));
        let named = self.names().into_iter().filter_map(value);
        named.map(|(value, name)| (name, value)).collect()
    }

    /// Returns at most three names in scope that are similar to this one, the most similar first.
    pub fn similar_names(&self, name: &str) -> Vec<String> {
        suggest::similar_names(&self.session, &[], name)
    }
}
