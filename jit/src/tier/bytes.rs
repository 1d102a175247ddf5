//! Compiled functions as bytes.
//!
//! ```text
//! unit        count u32, function...
//! function    length u32, code; count u32, reference...; count u32, map...
//! reference   offset u32, kind u8, target u8, index u32, addend i64
//! map         return offset u32, span u32, count u32, value offset u32...
//! ```
//!
//! The targets, and what their indexes number: functions of the unit, stubs, the constants' words
//! (nothing), entries of constants, Rust functions. Numbers have their least byte first. Whoever reads
//! checks every bound: what does not fit is no unit.

use crate::codegen::{CallMap, Object, Relocation, Target};
use crate::runtime::Stub;
use cranelift_codegen::binemit::Reloc;
use std::borrow::Borrow;
use vm::native::Helper;

/// The kinds of references, and how many bytes of code each changes.
const KINDS: [(Reloc, usize); 6] = [
    (Reloc::Abs8, 8),
    (Reloc::X86PCRel4, 4),
    (Reloc::X86CallPCRel4, 4),
    (Reloc::Arm64Call, 4),
    (Reloc::Aarch64AdrPrelPgHi21, 4),
    (Reloc::Aarch64AddAbsLo12Nc, 4),
];

/// A unit's functions as bytes; nothing, if they refer to something in a way that has none.
pub(super) fn write(objects: &[impl Borrow<Object>]) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    put(&mut bytes, objects.len());
    for object in objects.iter().map(Borrow::borrow) {
        put(&mut bytes, object.code.len());
        bytes.extend_from_slice(&object.code);
        put(&mut bytes, object.relocations.len());
        for Relocation { offset, kind, target, addend } in &object.relocations {
            let kind = KINDS.iter().position(|(known, _)| known == kind)?;
            let (target, index) = match *target {
                Target::Function(index) => (0, index),
                Target::Stub(stub) => (1, stub.number()),
                Target::Constants => (2, 0),
                Target::Entry(index) => (3, index),
                Target::Rust(helper) => (4, helper as u32),
            };
            bytes.extend_from_slice(&offset.to_le_bytes());
            bytes.extend_from_slice(&[kind as u8, target]);
            bytes.extend_from_slice(&index.to_le_bytes());
            bytes.extend_from_slice(&addend.to_le_bytes());
        }
        put(&mut bytes, object.maps.len());
        for map in &object.maps {
            put(&mut bytes, map.return_offset as usize);
            put(&mut bytes, map.span as usize);
            put(&mut bytes, map.values.len());
            map.values.iter().for_each(|offset| put(&mut bytes, *offset as usize));
        }
    }
    Some(bytes)
}

fn put(bytes: &mut Vec<u8>, number: usize) {
    bytes.extend_from_slice(&(number as u32).to_le_bytes());
}

/// Reads a unit's functions; nothing, if these bytes are none.
pub(super) fn read(bytes: &[u8]) -> Option<Vec<Object>> {
    let mut reader = Reader { bytes };
    let count = reader.count(12)?;
    let objects = (0..count).map(|_| reader.object(count)).collect::<Option<Vec<Object>>>()?;
    (reader.bytes.is_empty() && count > 0).then_some(objects)
}

struct Reader<'b> {
    bytes: &'b [u8],
}

impl<'b> Reader<'b> {
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

    /// A count of things that take at least so many bytes each.
    fn count(&mut self, size: usize) -> Option<usize> {
        let count = self.number()? as usize;
        (count <= self.bytes.len() / size).then_some(count)
    }

    fn object(&mut self, functions: usize) -> Option<Object> {
        let length = self.count(1)?;
        let code = self.take(length)?.to_vec();
        let count = self.count(18)?;
        let relocations = (0..count).map(|_| self.relocation(length, functions));
        let relocations = relocations.collect::<Option<Vec<Relocation>>>()?;
        let count = self.count(12)?;
        let maps = (0..count).map(|_| self.map(length)).collect::<Option<Vec<CallMap>>>()?;
        Some(Object { code, relocations, maps, text: None })
    }

    fn relocation(&mut self, length: usize, functions: usize) -> Option<Relocation> {
        let offset = self.number()?;
        let [kind, target] = self.array()?;
        let index = self.number()?;
        let addend = i64::from_le_bytes(self.array()?);
        let (kind, size) = *KINDS.get(usize::from(kind))?;
        let target = match target {
            0 if (index as usize) < functions => Target::Function(index),
            1 if (index as usize) < Stub::COUNT => Target::Stub(Stub::numbered(index)),
            2 => Target::Constants,
            3 => Target::Entry(index),
            4 => Target::Rust(*Helper::ALL.get(index as usize)?),
            _ => return None,
        };
        let fits = (offset as usize).checked_add(size)? <= length;
        fits.then_some(Relocation { offset, kind, target, addend })
    }

    fn map(&mut self, length: usize) -> Option<CallMap> {
        let (return_offset, span) = (self.number()?, self.number()?);
        let count = self.count(4)?;
        let values = (0..count).map(|_| self.number()).collect::<Option<Vec<u32>>>()?;
        let fits = return_offset as usize <= length && values.iter().all(|value| *value < span);
        fits.then_some(CallMap { return_offset, span, values })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit() -> Vec<Object> {
        let reference = |offset, kind, target, addend| Relocation { offset, kind, target, addend };
        let relocations = vec![
            reference(0, Reloc::Abs8, Target::Constants, 16),
            reference(8, Reloc::X86CallPCRel4, Target::Stub(Stub::Jet(3)), -4),
            reference(12, Reloc::X86PCRel4, Target::Function(1), 0),
            reference(0, Reloc::Abs8, Target::Entry(7), 0),
            reference(8, Reloc::Abs8, Target::Rust(Helper::Cut), 0),
        ];
        let maps = vec![CallMap { return_offset: 12, span: 64, values: vec![0, 8, 56] }];
        let first = Object { code: (0..16).collect(), relocations, maps, text: None };
        let second = Object { code: vec![1], relocations: vec![], maps: vec![], text: None };
        vec![first, second]
    }

    #[test]
    fn a_unit_comes_back_as_it_was() {
        let bytes = write(&unit()).expect("known kinds of references");
        let back = read(&bytes).expect("a unit");
        assert_eq!(format!("{back:?}"), format!("{:?}", unit()));
    }

    #[test]
    fn what_is_cut_off_is_no_unit() {
        let bytes = write(&unit()).expect("known kinds of references");
        for length in 0..bytes.len() {
            assert!(read(&bytes[..length]).is_none(), "{length} bytes");
        }
    }

    #[test]
    fn whatever_bytes_there_are_reading_ends() {
        let bytes = write(&unit()).expect("known kinds of references");
        for place in 0..bytes.len() {
            for change in [1, 0x80, 0xff] {
                let mut changed = bytes.clone();
                changed[place] ^= change;
                for object in read(&changed).into_iter().flatten() {
                    let length = object.code.len();
                    assert!(object.relocations.iter().all(|r| (r.offset as usize) < length));
                }
            }
        }
    }
}
