//! The environment that a unit is compiled for: facts about its constants that machine code depends
//! on.

use vm::native::EntryCell;

/// Facts about the value of a constant.
#[derive(Clone, Debug)]
pub struct ConstantFacts {
    /// The top byte of its word.
    pub top: u8,
    /// The entry cell, if the constant is a law that is not part of the unit, or the pin of such a
    /// law without a jet.
    pub entry: Option<EntryCell>,
}

/// The constants of a unit, by number.
#[derive(Debug)]
pub struct UnitEnvironment {
    /// The address of the first constant's word. The runtime keeps the words alive and up to date.
    pub constants: usize,
    /// The facts about each constant.
    pub facts: Vec<ConstantFacts>,
}
