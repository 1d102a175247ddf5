//! Linking: compiled functions get addresses, and can be run.

use super::jit_dump::{DumpedFunction, JIT_DUMP, JitDump};
use super::module::{UnitModule, module_size};
use super::perf_map::PerfMap;
use super::region::{ALIGNMENT, CodeRegion, PublishedCode};
use super::shared::SharedFunction;
use crate::codegen::{Backend, CompileError, CompiledFunction, LinkSymbol, Relocation, Stub};
use cranelift_codegen::ir::Signature;
use cranelift_codegen::isa::CallConv;
use cranelift_module::{FuncId, Module, ModuleError, ModuleReloc, ModuleRelocTarget, ModuleResult};
use foldhash::{HashMap, HashMapExt};
use std::sync::Arc;
use vm::native::FrameTable;

/// The size of the region for the code of a process, in bytes. A near call reaches all of it.
const REGION: usize = 64 << 20;

/// The addresses of the data that a unit refers to.
#[derive(Default)]
pub struct UnitData {
    /// The address of the first constant's word.
    pub constants: usize,
    /// The count of constants. Their words follow each other.
    pub constant_count: usize,
    /// The address of each constant's entry cell, for constants that have one.
    pub entry_cells: Vec<Option<usize>>,
    /// The name of each constant, if functions are to be named for `perf`.
    pub names: Vec<String>,
}

/// A unit that can be run.
pub struct LinkedUnit {
    /// The address of each function.
    pub addresses: Vec<usize>,
    /// The code of all functions. It is freed by [`CodeLinker::free`].
    pub code: PublishedCode,
}

/// The code of a process, and the frame table that describes it to the collector.
pub struct CodeLinker {
    region: CodeRegion,
    /// The addresses of the stubs that are linked.
    stubs: HashMap<Stub, usize>,
    frames: Arc<FrameTable>,
    perf_map: PerfMap,
    jit_dump: JitDump,
}

impl CodeLinker {
    /// Reserves a region for code.
    ///
    /// # Errors
    /// If the system refuses the region.
    pub fn new(frames: Arc<FrameTable>) -> Result<CodeLinker, CompileError> {
        let region =
            CodeRegion::new(REGION).map_err(|error| CompileError::Platform(error.to_string()))?;
        frames.set_region(region.addresses());
        let (perf_map, jit_dump) = (PerfMap::default(), JitDump::default());
        Ok(CodeLinker { region, stubs: HashMap::new(), frames, perf_map, jit_dump })
    }

    /// The count of bytes of code.
    pub fn used(&self) -> usize {
        self.region.used()
    }

    /// Links the functions that Rust calls, and returns their addresses in the order of
    /// [`CompilerSetup::trampolines`](vm::native::CompilerSetup::trampolines).
    ///
    /// # Errors
    /// If one of them cannot be compiled, or the region is full.
    pub fn link_trampolines(&mut self, backend: &mut Backend) -> Result<Vec<usize>, CompileError> {
        let trampolines: Vec<&CompiledFunction> = SharedFunction::entry_points()
            .map(|shared| shared.get(backend))
            .collect::<Result<_, _>>()?;
        let data = UnitData { names: vec!["trampoline".to_owned()], ..UnitData::default() };
        Ok(self.link(backend, &trampolines, &data)?.addresses)
    }

    /// Links the functions of a unit, and the stubs that they need. When this returns they can be
    /// run, and the collector knows their frames.
    ///
    /// # Errors
    /// If the region is full, a stub cannot be compiled, or a symbol has no address.
    pub fn link(
        &mut self,
        backend: &mut Backend,
        functions: &[&CompiledFunction],
        data: &UnitData,
    ) -> Result<LinkedUnit, CompileError> {
        self.link_stubs(backend, functions)?;
        self.link_functions(backend, functions, &[], data)
    }

    /// Links functions. The stubs that they need are linked, or are among the functions: these are `stubs`
    /// then, in that order.
    fn link_functions(
        &mut self,
        backend: &Backend,
        functions: &[&CompiledFunction],
        stubs: &[Stub],
        data: &UnitData,
    ) -> Result<LinkedUnit, CompileError> {
        let (unit, bytes) = self.publish(backend, functions, stubs, data)?;
        self.name_for_perf(functions, stubs, data, &unit, &bytes);
        for (function, address) in functions.iter().zip(&unit.addresses) {
            // A number from the cache may be any.
            if let Some(law) = function.law.filter(|law| (*law as usize) < data.constant_count) {
                let code = *address..address + function.code.len();
                #[allow(unsafe_code, reason = "names the function in call chains")]
                // SAFETY: it is the word of a constant of the unit, which is kept up to date as long
                // as the code can run.
                unsafe {
                    self.frames.add_function(code, data.constants + 8 * law as usize);
                }
            }
            for map in &function.stack_maps {
                let return_address = address + map.return_offset as usize;
                let slots = map.slots.iter().copied();
                #[allow(unsafe_code, reason = "describes frames to the collector")]
                // SAFETY: the stack map is Cranelift's for this call.
                unsafe {
                    self.frames.add(return_address, map.span, slots);
                }
            }
        }
        Ok(unit)
    }

    /// Links the stubs that functions refer to, all those together that are not linked yet: stubs may refer to
    /// each other.
    fn link_stubs(
        &mut self,
        backend: &mut Backend,
        functions: &[&CompiledFunction],
    ) -> Result<(), CompileError> {
        let (mut stubs, mut compiled) = (Vec::new(), Vec::new());
        let mut referring = functions.to_vec();
        while let Some(function) = referring.pop() {
            for relocation in &function.relocations {
                let LinkSymbol::Stub(stub) = relocation.symbol else { continue };
                if self.stubs.contains_key(&stub) || stubs.contains(&stub) {
                    continue;
                }
                let function = SharedFunction::Stub(stub).get(backend)?;
                stubs.push(stub);
                compiled.push(function);
                referring.push(function);
            }
        }
        if !stubs.is_empty() {
            let unit = self.link_functions(backend, &compiled, &stubs, &UnitData::default())?;
            self.stubs.extend(stubs.into_iter().zip(unit.addresses));
        }
        Ok(())
    }

    /// Tells Linux's `perf` about functions, if it is wanted. `bytes` is the code of the unit.
    fn name_for_perf(
        &mut self,
        functions: &[&CompiledFunction],
        stubs: &[Stub],
        data: &UnitData,
        unit: &LinkedUnit,
        bytes: &[u8],
    ) {
        let stubs: Vec<String> =
            stubs.iter().map(|stub| LinkSymbol::Stub(*stub).to_string()).collect();
        let named = || {
            let names = functions.iter().enumerate().map(|(index, function)| {
                stubs.get(index).map_or_else(|| name_of(function, data), String::as_str)
            });
            let sizes = functions.iter().map(|function| function.code.len());
            unit.addresses.iter().copied().zip(sizes).zip(names)
        };
        self.perf_map.add(named().map(|((address, size), name)| (address, size, name)));
        let start = unit.code.addresses().start;
        self.jit_dump.add(named().filter_map(|((address, size), name)| {
            let code = bytes.get(address - start..address - start + size)?;
            Some(DumpedFunction { address, name, code })
        }));
    }

    /// Writes functions into the region, and publishes them. Returns also a copy of the code, if
    /// it is wanted for `perf`.
    fn publish(
        &mut self,
        backend: &Backend,
        functions: &[&CompiledFunction],
        stubs: &[Stub],
        data: &UnitData,
    ) -> Result<(LinkedUnit, Vec<u8>), CompileError> {
        let size = module_size(functions.iter().map(|function| function.code.len()));
        let mut code = self.region.allocate(size).ok_or(CompileError::CodeRegionFull)?;
        let base = code.address();
        let address_of = |symbol| match symbol {
            LinkSymbol::Function(_) => None,
            LinkSymbol::Stub(stub) => self.stubs.get(&stub).copied(),
            LinkSymbol::Constants => Some(data.constants),
            LinkSymbol::EntryCell(k) => data.entry_cells.get(k as usize).copied().flatten(),
            LinkSymbol::Helper(helper) => Some(helper.address()),
        };
        let linked = self.region.write(&mut code, |bytes| {
            let module = UnitModule::new(&**backend.isa(), bytes, base);
            let addresses = define(module, functions, stubs, address_of);
            let addresses = addresses.map_err(|error| compile_error(&error))?;
            let copy = if JIT_DUMP.is_wanted() { bytes.to_vec() } else { Vec::new() };
            Ok((addresses, copy))
        });
        match linked {
            Ok((addresses, bytes)) => {
                let code = self.region.publish(code);
                let code = code.map_err(|error| CompileError::Platform(error.to_string()))?;
                Ok((LinkedUnit { addresses, code }, bytes))
            }
            Err(error) => {
                self.region.discard(code);
                Err(error)
            }
        }
    }

    /// Frees units.
    ///
    /// # Safety
    /// No thread runs the code of the units, and no thread can get to it.
    #[allow(unsafe_code, reason = "the caller promises the contract of the region")]
    pub unsafe fn free(&mut self, units: Vec<PublishedCode>) {
        let addresses: Vec<_> = units.iter().map(PublishedCode::addresses).collect();
        // SAFETY: by the caller's promise.
        unsafe { self.frames.forget(&addresses) };
        for unit in units {
            // SAFETY: by the caller's promise.
            unsafe { self.region.free(unit) };
        }
    }
}

/// The name of a function for `perf`: that of its law, else that of the unit's first constant, which
/// is the law that the unit is for.
fn name_of<'d>(function: &CompiledFunction, data: &'d UnitData) -> &'d str {
    let law = function.law.unwrap_or_default();
    data.names.get(law as usize).map_or("(law)", String::as_str)
}

/// Defines functions in a module, with everything that they refer to, and returns their addresses.
#[allow(clippy::result_large_err, reason = "the error type is Cranelift's")]
fn define(
    mut module: UnitModule<'_>,
    functions: &[&CompiledFunction],
    stubs: &[Stub],
    address_of: impl Fn(LinkSymbol) -> Option<usize>,
) -> ModuleResult<Vec<usize>> {
    // Signatures matter to calls that the module declares. These functions have theirs compiled in.
    let signature = Signature::new(CallConv::Tail);
    let declare = |_: &_| module.declare_anonymous_function(&signature);
    let ids = functions.iter().map(declare).collect::<ModuleResult<Vec<FuncId>>>()?;
    let mut targets: HashMap<LinkSymbol, ModuleRelocTarget> = HashMap::new();
    for (index, id) in ids.iter().enumerate() {
        targets.insert(LinkSymbol::Function(index as u32), (*id).into());
    }
    targets
        .extend(stubs.iter().zip(&ids).map(|(stub, id)| (LinkSymbol::Stub(*stub), (*id).into())));
    let mut relocs = Vec::new();
    for (function, id) in functions.iter().zip(&ids) {
        relocs.clear();
        for Relocation { offset, kind, symbol, addend } in function.relocations.iter().copied() {
            let name = match targets.get(&symbol) {
                Some(target) => target.clone(),
                None => {
                    let address = address_of(symbol)
                        .ok_or_else(|| ModuleError::Undeclared(symbol.to_string()))?;
                    let target = ModuleRelocTarget::from(module.import(address)?);
                    targets.insert(symbol, target.clone());
                    target
                }
            };
            relocs.push(ModuleReloc { offset, kind, name, addend });
        }
        module.define_function_bytes(*id, ALIGNMENT as u64, &function.code, &relocs)?;
    }
    module.finish()?;
    Ok(ids.iter().filter_map(|id| module.function_address(*id)).collect())
}

fn compile_error(error: &ModuleError) -> CompileError {
    CompileError::Cranelift(error.to_string())
}
