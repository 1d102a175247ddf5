//! Cranelift's module layer for one unit: declarations, definitions, relocations.
//!
//! A [`UnitModule`] is what `cranelift-jit`'s module is, with code that goes into our region: it
//! starts with a piece of the region, copies function bodies into it as they are defined, and
//! applies all relocations when it is finished. Everything that it refers to outside has an address
//! from the start. A unit has a module of its own, so that its code is freed as a whole.
//!
//! `cranelift-jit` itself is not used: it needs pages that are written and run at one address, two
//! `mprotect` a unit, and a page for each unit. ARCHITECTURE.md has the measurements.

#![allow(clippy::result_large_err, reason = "the error type is Cranelift's")]

use super::region::ALIGNMENT;
use super::relocate::relocate;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::entity::SecondaryMap;
use cranelift_codegen::ir::Signature;
use cranelift_codegen::isa::TargetIsa;
use cranelift_codegen::{Context, ir};
use cranelift_module::{
    DataDescription, DataId, FuncId, Linkage, Module, ModuleDeclarations, ModuleError, ModuleReloc,
    ModuleRelocTarget, ModuleResult,
};
use std::io;

/// The functions of one unit while they are linked.
pub(super) struct UnitModule<'m> {
    isa: &'m dyn TargetIsa,
    declarations: ModuleDeclarations,
    /// The bytes of the piece, and the address at which they will run.
    code: &'m mut [u8],
    base: usize,
    /// How many of the bytes are in use.
    len: usize,
    /// The relocations of defined functions, and where each function starts, in bytes.
    relocations: Vec<(usize, ModuleReloc)>,
    function_addresses: SecondaryMap<FuncId, usize>,
    data_addresses: SecondaryMap<DataId, usize>,
}

/// The bytes that a module needs for functions of these sizes.
pub(super) fn module_size(sizes: impl Iterator<Item = usize>) -> usize {
    sizes.map(|size| size.next_multiple_of(ALIGNMENT)).sum()
}

/// The address of a symbol that is neither defined nor imported.
const UNDEFINED: usize = 0;

impl<'m> UnitModule<'m> {
    /// An empty module. `code` is to hold its functions, and will run at the address `base`.
    pub(super) fn new(isa: &'m dyn TargetIsa, code: &'m mut [u8], base: usize) -> UnitModule<'m> {
        UnitModule {
            isa,
            declarations: ModuleDeclarations::default(),
            code,
            base,
            len: 0,
            relocations: Vec::new(),
            function_addresses: SecondaryMap::with_default(UNDEFINED),
            data_addresses: SecondaryMap::with_default(UNDEFINED),
        }
    }

    /// Declares something outside that has an address. It needs no name: nothing looks it up.
    ///
    /// # Errors
    /// If Cranelift refuses the declaration.
    pub(super) fn import(&mut self, address: usize) -> ModuleResult<DataId> {
        let id = self.declare_anonymous_data(false, false)?;
        self.data_addresses[id] = address;
        Ok(id)
    }

    /// The address of a defined function.
    pub(super) fn function_address(&self, id: FuncId) -> Option<usize> {
        Some(self.function_addresses[id]).filter(|address| *address != UNDEFINED)
    }

    /// The address of a target of a relocation.
    fn address_of(&self, name: &ModuleRelocTarget) -> Option<usize> {
        let address = match name {
            ModuleRelocTarget::User { .. } if ModuleDeclarations::is_function(name) => {
                self.function_addresses[FuncId::from_name(name)]
            }
            ModuleRelocTarget::User { .. } => self.data_addresses[DataId::from_name(name)],
            ModuleRelocTarget::FunctionOffset(id, offset) => {
                self.function_address(*id)?.checked_add(*offset as usize)?
            }
            _ => UNDEFINED,
        };
        Some(address).filter(|address| *address != UNDEFINED)
    }

    /// Applies all relocations. The code is complete then.
    ///
    /// # Errors
    /// If a target has no address, or is too far away.
    pub(super) fn finish(&mut self) -> ModuleResult<()> {
        for (start, reloc) in std::mem::take(&mut self.relocations) {
            let Some(target) = self.address_of(&reloc.name) else {
                return Err(ModuleError::Undeclared(reloc.name.to_string()));
            };
            let target = target.wrapping_add_signed(reloc.addend as isize);
            let at = start + reloc.offset as usize;
            relocate(&mut self.code[..self.len], self.base, at, reloc.kind, target)
                .map_err(|error| ModuleError::Backend(error.into()))?;
        }
        Ok(())
    }
}

impl Module for UnitModule<'_> {
    fn isa(&self) -> &dyn TargetIsa {
        self.isa
    }

    fn declarations(&self) -> &ModuleDeclarations {
        &self.declarations
    }

    fn declare_function(
        &mut self,
        name: &str,
        linkage: Linkage,
        signature: &Signature,
    ) -> ModuleResult<FuncId> {
        self.declarations.declare_function(name, linkage, signature).map(|(id, _)| id)
    }

    fn declare_anonymous_function(&mut self, signature: &Signature) -> ModuleResult<FuncId> {
        self.declarations.declare_anonymous_function(signature)
    }

    fn declare_data(
        &mut self,
        name: &str,
        linkage: Linkage,
        writable: bool,
        tls: bool,
    ) -> ModuleResult<DataId> {
        self.declarations.declare_data(name, linkage, writable, tls).map(|(id, _)| id)
    }

    fn declare_anonymous_data(&mut self, writable: bool, tls: bool) -> ModuleResult<DataId> {
        self.declarations.declare_anonymous_data(writable, tls)
    }

    fn define_function_with_control_plane(
        &mut self,
        id: FuncId,
        context: &mut Context,
        control: &mut ControlPlane,
    ) -> ModuleResult<()> {
        let compiled = context.compile(self.isa, control)?;
        let alignment = u64::from(compiled.buffer.alignment);
        let code = compiled.code_buffer().to_vec();
        let relocs = compiled.buffer.relocs().to_vec();
        let function: &ir::Function = &context.func;
        let relocs = relocs.iter().map(|reloc| ModuleReloc::from_mach_reloc(reloc, function, id));
        self.define_function_bytes(id, alignment, &code, &relocs.collect::<Vec<_>>())
    }

    fn define_function_bytes(
        &mut self,
        id: FuncId,
        alignment: u64,
        bytes: &[u8],
        relocs: &[ModuleReloc],
    ) -> ModuleResult<()> {
        let declaration = self.declarations.get_function_decl(id);
        let name = || declaration.linkage_name(id).into_owned();
        if !declaration.linkage.is_definable() {
            return Err(ModuleError::InvalidImportDefinition(name()));
        }
        if self.function_address(id).is_some() {
            return Err(ModuleError::DuplicateDefinition(name()));
        }
        let alignment = (alignment as usize).max(ALIGNMENT);
        let start = self.len.next_multiple_of(alignment);
        let place = self.code.get_mut(start..).and_then(|rest| rest.get_mut(..bytes.len()));
        let Some(place) = place.filter(|_| alignment == ALIGNMENT) else {
            let err = io::Error::other("the function does not fit the module's memory");
            return Err(ModuleError::Allocation { err });
        };
        place.copy_from_slice(bytes);
        self.len = start + bytes.len();
        self.function_addresses[id] = self.base + start;
        self.relocations.extend(relocs.iter().map(|reloc| (start, reloc.clone())));
        Ok(())
    }

    fn define_data(&mut self, id: DataId, _: &DataDescription) -> ModuleResult<()> {
        // Units have no data of their own: constants are in the heap.
        let name = self.declarations.get_data_decl(id).linkage_name(id).into_owned();
        Err(ModuleError::InvalidImportDefinition(name))
    }
}

#[cfg(test)]
mod tests;
