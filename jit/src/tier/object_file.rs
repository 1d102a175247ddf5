//! Compiled functions as bytes, for the cache of machine code.
//!
//! ```text
//! unit        count u32, function...
//! function    length u32, code; law u32; count u32, relocation...; count u32, stack map...
//! relocation  offset u32, kind u8, symbol kind u8, symbol number u32, addend i64
//! stack map   return offset u32, span u32, count u32, slot offset u32...
//! ```
//!
//! The law is the number of a constant plus one, or 0. The kind and number of a symbol are its name in Cranelift's IR ([`LinkSymbol::name`]). Numbers have their
//! least byte first. The reader checks every bound: bytes that break one are not a unit.

use crate::codegen::{CompiledFunction, LinkSymbol, Relocation, StackMap};
use cranelift_codegen::binemit::Reloc;
use cranelift_codegen::ir::UserExternalName;
use std::borrow::Borrow;

/// The kinds of relocations, and the count of bytes of code that each changes.
const KINDS: [(Reloc, usize); 6] = [
    (Reloc::Abs8, 8),
    (Reloc::X86PCRel4, 4),
    (Reloc::X86CallPCRel4, 4),
    (Reloc::Arm64Call, 4),
    (Reloc::Aarch64AdrPrelPgHi21, 4),
    (Reloc::Aarch64AddAbsLo12Nc, 4),
];

/// The bytes of a unit's functions. None if a relocation is of a kind that has no number.
pub(super) fn write(functions: &[impl Borrow<CompiledFunction>]) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    put(&mut bytes, functions.len());
    for function in functions.iter().map(Borrow::borrow) {
        put(&mut bytes, function.code.len());
        bytes.extend_from_slice(&function.code);
        put(&mut bytes, function.law.map_or(0, |law| law as usize + 1));
        put(&mut bytes, function.relocations.len());
        for Relocation { offset, kind, symbol, addend } in &function.relocations {
            let kind = KINDS.iter().position(|(known, _)| known == kind)?;
            let UserExternalName { namespace, index } = symbol.name();
            bytes.extend_from_slice(&offset.to_le_bytes());
            bytes.extend_from_slice(&[kind as u8, namespace as u8]);
            bytes.extend_from_slice(&index.to_le_bytes());
            bytes.extend_from_slice(&addend.to_le_bytes());
        }
        put(&mut bytes, function.stack_maps.len());
        for map in &function.stack_maps {
            put(&mut bytes, map.return_offset as usize);
            put(&mut bytes, map.span as usize);
            put(&mut bytes, map.slots.len());
            map.slots.iter().for_each(|offset| put(&mut bytes, *offset as usize));
        }
    }
    Some(bytes)
}

fn put(bytes: &mut Vec<u8>, number: usize) {
    bytes.extend_from_slice(&(number as u32).to_le_bytes());
}

/// The functions of a unit. None if the bytes are not a unit.
pub(super) fn read(bytes: &[u8]) -> Option<Vec<CompiledFunction>> {
    let mut reader = UnitReader { bytes };
    let count = reader.count(16)?;
    let functions = (0..count).map(|_| reader.function(count)).collect::<Option<Vec<_>>>()?;
    (reader.bytes.is_empty() && count > 0).then_some(functions)
}

/// The bytes that are not read yet.
struct UnitReader<'b> {
    bytes: &'b [u8],
}

impl<'b> UnitReader<'b> {
    fn take(&mut self, count: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(count)?;
        self.bytes = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn number(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    /// The count of records that follow, each of at least `size` bytes.
    fn count(&mut self, size: usize) -> Option<usize> {
        let count = self.number()? as usize;
        (count <= self.bytes.len() / size).then_some(count)
    }

    /// A function of a unit of `functions` functions.
    fn function(&mut self, functions: usize) -> Option<CompiledFunction> {
        let length = self.count(1)?;
        let code = self.take(length)?.to_vec();
        let law = self.number()?.checked_sub(1);
        let count = self.count(18)?;
        let relocations = (0..count).map(|_| self.relocation(length, functions));
        let relocations = relocations.collect::<Option<Vec<Relocation>>>()?;
        let count = self.count(12)?;
        let maps = (0..count).map(|_| self.stack_map(length)).collect::<Option<Vec<StackMap>>>()?;
        Some(CompiledFunction { code, relocations, stack_maps: maps, law, disassembly: None })
    }

    /// A relocation in code of `length` bytes.
    fn relocation(&mut self, length: usize, functions: usize) -> Option<Relocation> {
        let offset = self.number()?;
        let [kind, namespace] = self.array()?;
        let index = self.number()?;
        let addend = i64::from_le_bytes(self.array()?);
        let (kind, size) = *KINDS.get(usize::from(kind))?;
        let symbol = LinkSymbol::named(&UserExternalName { namespace: namespace.into(), index })?;
        if matches!(symbol, LinkSymbol::Function(index) if index as usize >= functions) {
            return None;
        }
        let fits = (offset as usize).checked_add(size)? <= length;
        fits.then_some(Relocation { offset, kind, symbol, addend })
    }

    /// A stack map of a call in code of `length` bytes.
    fn stack_map(&mut self, length: usize) -> Option<StackMap> {
        let (return_offset, span) = (self.number()?, self.number()?);
        let count = self.count(4)?;
        let slots = (0..count).map(|_| self.number()).collect::<Option<Vec<u32>>>()?;
        let fits = return_offset as usize <= length && slots.iter().all(|slot| *slot < span);
        fits.then_some(StackMap { return_offset, span, slots })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codegen::Stub;
    use vm::native::Helper;

    fn unit() -> Vec<CompiledFunction> {
        let relocation = |offset, kind, symbol, addend| Relocation { offset, kind, symbol, addend };
        let relocations = vec![
            relocation(0, Reloc::Abs8, LinkSymbol::Constants, 16),
            relocation(8, Reloc::X86CallPCRel4, LinkSymbol::Stub(Stub::Jet(3)), -4),
            relocation(12, Reloc::X86PCRel4, LinkSymbol::Function(1), 0),
            relocation(0, Reloc::Abs8, LinkSymbol::EntryCell(7), 0),
            relocation(8, Reloc::Abs8, LinkSymbol::Helper(Helper::Unwind), 0),
        ];
        let stack_maps = vec![StackMap { return_offset: 12, span: 64, slots: vec![0, 8, 56] }];
        let code = (0..16).collect();
        let law = Some(3);
        let first = CompiledFunction { code, relocations, stack_maps, law, disassembly: None };
        let (relocations, stack_maps) = (vec![], vec![]);
        let (code, law) = (vec![1], None);
        let second = CompiledFunction { code, relocations, stack_maps, law, disassembly: None };
        vec![first, second]
    }

    #[test]
    fn a_unit_is_read_as_it_was_written() {
        let bytes = write(&unit()).expect("known kinds of relocations");
        let back = read(&bytes).expect("a unit");
        assert_eq!(format!("{back:?}"), format!("{:?}", unit()));
    }

    #[test]
    fn truncated_bytes_are_no_unit() {
        let bytes = write(&unit()).expect("known kinds of relocations");
        for length in 0..bytes.len() {
            assert!(read(&bytes[..length]).is_none(), "{length} bytes");
        }
    }

    #[test]
    fn any_bytes_can_be_read() {
        let bytes = write(&unit()).expect("known kinds of relocations");
        for place in 0..bytes.len() {
            for change in [1, 0x80, 0xff] {
                let mut changed = bytes.clone();
                changed[place] ^= change;
                for function in read(&changed).into_iter().flatten() {
                    let length = function.code.len();
                    assert!(function.relocations.iter().all(|r| (r.offset as usize) < length));
                }
            }
        }
    }
}
