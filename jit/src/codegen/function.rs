//! A compiled function as data: machine code that has no address yet.
//!
//! Nothing in it depends on the process, so it can be linked now, linked several times, or written to
//! disk and linked in a later run.

use super::symbol::LinkSymbol;
use cranelift_codegen::binemit::Reloc;

/// A function in machine code, before it is linked.
#[derive(Debug)]
pub struct CompiledFunction {
    /// The machine code.
    pub code: Vec<u8>,
    /// The places in the code that depend on the address of a symbol.
    pub relocations: Vec<Relocation>,
    /// The stack maps of the calls during which the frame holds values.
    pub stack_maps: Vec<StackMap>,
    /// The number of the constant of the unit that is the law whose code this is, or its pin.
    pub law: Option<u32>,
    /// The disassembly, if it was asked for.
    pub disassembly: Option<String>,
}

/// A place in machine code that depends on the address of a symbol.
#[derive(Clone, Copy, Debug)]
pub struct Relocation {
    /// Where the place is, in bytes from the start of the function.
    pub offset: u32,
    /// How the address is encoded there.
    pub kind: Reloc,
    /// The symbol.
    pub symbol: LinkSymbol,
    /// The number that is added to the address of the symbol.
    pub addend: i64,
}

/// The slots of a frame that hold values during one call. The collector reads and updates them.
#[derive(Debug)]
pub struct StackMap {
    /// The return address of the call, in bytes from the start of the function.
    pub return_offset: u32,
    /// The distance from the frame pointer down to the stack pointer, in bytes.
    pub span: u32,
    /// The slots, in bytes from the stack pointer up.
    pub slots: Vec<u32>,
}
