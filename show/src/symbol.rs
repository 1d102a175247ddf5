//! [`Symbol`]: a nat that serves as a name.

use plan::NatRef;
use plan::Natural;
use plan::limbs;
use smallvec::SmallVec;

/// A nat that serves as a name. Any nat can be a name; most names are text.
///
/// ```
/// use show::Symbol;
/// assert_eq!(Symbol::from("add").text(), Some("add"));
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Symbol(
    /// The nat's bytes, least significant first, without trailing zeros. Most names are short.
    SmallVec<[u8; 16]>,
);

impl Symbol {
    /// Whether this is 0, which means that there is no name.
    pub fn is_zero(&self) -> bool {
        self.0.is_empty()
    }

    /// The text that the nat's bytes spell, if they are UTF-8.
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// The number of bytes of the nat.
    pub(super) fn size(&self) -> usize {
        self.0.len()
    }

    /// The bytes of the nat, least significant first.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The nat with these bytes, least significant first. The last byte must not be 0.
    pub(super) fn from_bytes(bytes: &[u8]) -> Symbol {
        Symbol(bytes.into())
    }

    /// The nat in decimal.
    pub(super) fn decimal(&self) -> String {
        Natural::from_owned_limbs_asc(limbs::of_bytes(&self.0)).to_string()
    }
}

impl From<&str> for Symbol {
    fn from(text: &str) -> Symbol {
        Symbol::from_bytes(text.trim_end_matches('\0').as_bytes())
    }
}

impl From<NatRef<'_>> for Symbol {
    fn from(nat: NatRef<'_>) -> Symbol {
        match nat {
            NatRef::Small(small) => {
                let count = nat.byte_count() as usize;
                Symbol::from_bytes(&small.to_le_bytes()[..count])
            }
            NatRef::Limbs(_) => Symbol::from_bytes(&nat.bytes()),
        }
    }
}
