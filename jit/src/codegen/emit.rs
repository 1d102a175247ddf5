//! Emitting machine code through Cranelift: one function at a time.

use super::GiveUp;
use crate::runtime::Stub;
use cranelift_codegen::binemit::Reloc;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::{I8, I64};
use cranelift_codegen::ir::{
    AbiParam, Block, ExtFuncData, ExternalName, FuncRef, GlobalValue, GlobalValueData, InstBuilder,
    MemFlagsData, SigRef, Signature, UserExternalName, UserFuncName, Value,
};
use cranelift_codegen::isa::{CallConv, OwnedTargetIsa};
use cranelift_codegen::settings::{self, Configurable};
use cranelift_codegen::{Context, FinalizedRelocTarget};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use std::collections::HashMap;
use vm::native::{Helper, layout, offset};

/// What code refers to by name until it is linked.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Target {
    /// A function of the same unit.
    Function(u32),
    /// A stub.
    Stub(Stub),
    /// The words of the unit's constants.
    Constants,
    /// The place where the address of a constant's code appears.
    Entry(u32),
    /// A Rust function.
    Rust(Helper),
}

impl Target {
    fn name(self) -> UserExternalName {
        match self {
            Target::Function(index) => UserExternalName { namespace: 0, index },
            Target::Stub(stub) => UserExternalName { namespace: 1, index: stub.number() },
            Target::Constants => UserExternalName { namespace: 2, index: 0 },
            Target::Entry(index) => UserExternalName { namespace: 3, index },
            Target::Rust(helper) => UserExternalName { namespace: 4, index: helper as u32 },
        }
    }

    fn named(name: &UserExternalName) -> Target {
        match name.namespace {
            0 => Target::Function(name.index),
            1 => Target::Stub(Stub::numbered(name.index)),
            2 => Target::Constants,
            3 => Target::Entry(name.index),
            _ => Target::Rust(Helper::ALL[name.index as usize]),
        }
    }
}

/// A place in code that depends on where things lie.
#[derive(Debug)]
pub struct Relocation {
    /// Where in the code.
    pub offset: u32,
    /// What is written there.
    pub kind: Reloc,
    /// Of what.
    pub target: Target,
    /// What is added to its address.
    pub addend: i64,
}

/// Where a frame's values are while a call is under way.
#[derive(Debug)]
pub struct CallMap {
    /// Where in the code the call returns to.
    pub return_offset: u32,
    /// From the frame pointer down to the stack pointer, in bytes.
    pub span: u32,
    /// The values' offsets from the stack pointer.
    pub values: Vec<u32>,
}

/// A compiled function that has not been given a place.
#[derive(Debug)]
pub struct Object {
    /// The machine code.
    pub code: Vec<u8>,
    /// Where it depends on places.
    pub relocations: Vec<Relocation>,
    /// The maps of its calls that hold values.
    pub maps: Vec<CallMap>,
    /// The machine code as text, if that was asked for.
    pub text: Option<String>,
}

/// Cranelift, set up for this machine.
pub struct Backend {
    isa: OwnedTargetIsa,
    context: Context,
    builder: FunctionBuilderContext,
}

/// The convention of compiled functions.
pub(crate) fn tail_signature(params: usize, results: usize) -> Signature {
    signature(CallConv::Tail, params, results)
}

fn signature(convention: CallConv, params: usize, results: usize) -> Signature {
    let mut signature = Signature::new(convention);
    signature.params.resize(params, AbiParam::new(I64));
    signature.returns.resize(results, AbiParam::new(I64));
    signature
}

impl Backend {
    /// Cranelift with the settings that the runtime relies on.
    ///
    /// # Errors
    /// If Cranelift does not know this machine.
    pub fn new() -> Result<Backend, GiveUp> {
        let mut flags = settings::builder();
        let chosen = [
            ("opt_level", "speed"),
            // The collector walks frames by them; x86_64 needs them for tail calls as well.
            ("preserve_frame_pointers", "true"),
            // It holds the runtime's address.
            ("enable_pinned_reg", "true"),
            ("is_pic", "false"),
            ("unwind_info", "false"),
            ("enable_verifier", if cfg!(debug_assertions) { "true" } else { "false" }),
        ];
        for (name, value) in chosen {
            flags.set(name, value).map_err(|error| GiveUp::Machine(error.to_string()))?;
        }
        let isa = cranelift_native::builder()
            .map_err(|error| GiveUp::Machine(error.to_owned()))?
            .finish(settings::Flags::new(flags))
            .map_err(|error| GiveUp::Machine(error.to_string()))?;
        Ok(Backend { isa, context: Context::new(), builder: FunctionBuilderContext::new() })
    }

    /// The convention of Rust's `extern "C"` functions.
    pub(crate) fn system_signature(&self, params: usize, results: usize) -> Signature {
        signature(self.isa.default_call_conv(), params, results)
    }

    /// The machine that code is made for: its architecture and the features that are used.
    pub(crate) fn describe(&self) -> String {
        let flags = self.isa.isa_flags();
        let flags: Vec<String> = flags.iter().map(ToString::to_string).collect();
        format!("{} {} {}", self.isa.triple(), self.isa.flags(), flags.join(" "))
    }

    /// Compiles the function that `emit` writes.
    pub(crate) fn define(
        &mut self,
        signature: Signature,
        print: bool,
        emit: impl FnOnce(&mut Emit<'_>, &[Value]) -> Result<(), GiveUp>,
    ) -> Result<Object, GiveUp> {
        self.context.clear();
        self.context.set_disasm(print);
        self.context.func.signature = signature;
        self.context.func.name = UserFuncName::user(0, 0);
        let system = self.isa.default_call_conv();
        let mut b = FunctionBuilder::new(&mut self.context.func, &mut self.builder);
        let entry = b.create_block();
        b.append_block_params_for_function_params(entry);
        b.switch_to_block(entry);
        let params = b.block_params(entry).to_vec();
        let (functions, signatures, data) = Default::default();
        let mut emitter = Emit { b, system, functions, signatures, data };
        let emitted = emit(&mut emitter, &params);
        emitter.b.seal_all_blocks();
        let finished = emitted.map(|()| emitter.b.finalize(self.isa.frontend_config()));
        if let Err(reason) = finished {
            self.builder = FunctionBuilderContext::new();
            return Err(reason);
        }
        self.compile()
    }

    fn compile(&mut self) -> Result<Object, GiveUp> {
        let params = self.context.func.params.clone();
        self.context
            .compile(&*self.isa, &mut ControlPlane::default())
            .map_err(|error| GiveUp::Cranelift(format!("{:?}", error.inner)))?;
        let Some(compiled) = self.context.compiled_code() else {
            unreachable!("it has just been compiled")
        };
        let names = params.user_named_funcs();
        let relocation = |reloc: &cranelift_codegen::FinalizedMachReloc| {
            let target = match &reloc.target {
                FinalizedRelocTarget::ExternalName(ExternalName::User(name)) => {
                    Target::named(&names[*name])
                }
                other => return Err(GiveUp::Cranelift(format!("a reference to {other:?}"))),
            };
            let (offset, kind, addend) = (reloc.offset, reloc.kind, reloc.addend);
            Ok(Relocation { offset, kind, target, addend })
        };
        let maps = compiled.buffer.user_stack_maps().iter().map(|(return_offset, span, map)| {
            let values = map.entries().map(|(_, offset)| offset).collect();
            CallMap { return_offset: *return_offset, span: *span, values }
        });
        Ok(Object {
            code: compiled.code_buffer().to_vec(),
            relocations: compiled
                .buffer
                .relocs()
                .iter()
                .map(relocation)
                .collect::<Result<_, _>>()?,
            maps: maps.collect(),
            text: compiled.vcode.clone(),
        })
    }
}

/// A function being written.
pub(crate) struct Emit<'a> {
    pub(crate) b: FunctionBuilder<'a>,
    system: CallConv,
    functions: HashMap<(Target, usize, usize), FuncRef>,
    signatures: HashMap<(bool, usize, usize), SigRef>,
    data: HashMap<(Target, usize), GlobalValue>,
}

/// Memory that is there and aligned.
pub(crate) fn plain() -> MemFlagsData {
    MemFlagsData::trusted()
}

impl Emit<'_> {
    // Constants and small calculations.

    pub(crate) fn constant(&mut self, bits: u64) -> Value {
        self.b.ins().iconst(I64, bits as i64)
    }

    /// The address in a word that has one.
    pub(crate) fn address(&mut self, word: Value) -> Value {
        self.b.ins().band_imm_s(word, layout::ADDRESS_MASK as i64)
    }

    /// The top byte of a word.
    pub(crate) fn top_byte(&mut self, word: Value) -> Value {
        self.b.ins().ushr_imm_s(word, 56)
    }

    pub(crate) fn is_top(&mut self, word: Value, top: u64) -> Value {
        let byte = self.top_byte(word);
        self.b.ins().icmp_imm_s(IntCC::Equal, byte, top as i64)
    }

    /// Whether the word is a thunk's: as an unsigned number, those are the largest.
    pub(crate) fn is_thunk(&mut self, word: Value) -> Value {
        let least = self.constant(layout::top::THUNK << 56);
        self.b.ins().icmp(IntCC::UnsignedGreaterThanOrEqual, word, least)
    }

    /// Whether the word is a nat that lies on the heap, or no nat.
    pub(crate) fn is_not_direct(&mut self, word: Value) -> Value {
        self.b.ins().icmp_imm_s(IntCC::SignedLessThan, word, 0)
    }

    // Memory.

    pub(crate) fn load(&mut self, address: Value, offset: i32) -> Value {
        self.b.ins().load(I64, plain(), address, offset)
    }

    pub(crate) fn store(&mut self, value: Value, address: Value, offset: i32) {
        self.b.ins().store(plain(), value, address, offset);
    }

    /// A payload word of the object at that address.
    pub(crate) fn payload(&mut self, address: Value, index: usize) -> Value {
        self.load(address, layout::PAYLOAD + 8 * index as i32)
    }

    pub(crate) fn set_payload(&mut self, address: Value, index: usize, value: Value) {
        self.store(value, address, layout::PAYLOAD + 8 * index as i32);
    }

    /// The runtime's address.
    pub(crate) fn context(&mut self) -> Value {
        self.b.ins().get_pinned_reg(I64)
    }

    pub(crate) fn load_context(&mut self, offset: usize) -> Value {
        let context = self.context();
        self.load(context, offset as i32)
    }

    pub(crate) fn store_context(&mut self, value: Value, offset: usize) {
        let context = self.context();
        self.store(value, context, offset as i32);
    }

    // Control.

    pub(crate) fn block(&mut self) -> Block {
        self.b.create_block()
    }

    pub(crate) fn cold_block(&mut self) -> Block {
        let block = self.b.create_block();
        self.b.set_cold_block(block);
        block
    }

    /// Goes on in `block`, to which everything that leads there has been or will be written.
    pub(crate) fn go_on_in(&mut self, block: Block) {
        self.b.switch_to_block(block);
    }

    pub(crate) fn branch(&mut self, condition: Value, yes: Block, no: Block) {
        self.b.ins().brif(condition, yes, &[], no, &[]);
    }

    /// A block with one word as its parameter.
    pub(crate) fn block_of_word(&mut self) -> (Block, Value) {
        let block = self.b.create_block();
        let word = self.b.append_block_param(block, I64);
        (block, word)
    }

    pub(crate) fn jump(&mut self, block: Block, values: &[Value]) {
        let values: Vec<_> = values.iter().map(|value| (*value).into()).collect();
        self.b.ins().jump(block, &values);
    }

    // Calls.

    fn signature(&mut self, tail: bool, params: usize, results: usize) -> SigRef {
        if let Some(signature) = self.signatures.get(&(tail, params, results)) {
            return *signature;
        }
        let convention = if tail { CallConv::Tail } else { self.system };
        let signature = self.b.import_signature(signature(convention, params, results));
        self.signatures.insert((tail, params, results), signature);
        signature
    }

    pub(crate) fn function(&mut self, target: Target, params: usize, results: usize) -> FuncRef {
        if let Some(function) = self.functions.get(&(target, params, results)) {
            return *function;
        }
        let signature = self.signature(true, params, results);
        let name = self.b.func.declare_imported_user_function(target.name());
        let function = self.b.import_function(ExtFuncData {
            name: ExternalName::user(name),
            signature,
            colocated: true,
            patchable: false,
        });
        self.functions.insert((target, params, results), function);
        function
    }

    /// Calls a function; its results.
    pub(crate) fn call(&mut self, target: Target, args: &[Value], results: usize) -> Vec<Value> {
        let function = self.function(target, args.len(), results);
        let call = self.b.ins().call(function, args);
        self.b.inst_results(call).to_vec()
    }

    /// Calls a stub; its result.
    pub(crate) fn call_stub(&mut self, stub: Stub, args: &[Value]) -> Value {
        self.call(Target::Stub(stub), args, 1)[0]
    }

    /// Calls a function in place of this one.
    pub(crate) fn tail_call(&mut self, target: Target, args: &[Value], results: usize) {
        let function = self.function(target, args.len(), results);
        self.b.ins().return_call(function, args);
    }

    /// Calls compiled code at an address, which has one result.
    pub(crate) fn call_address(&mut self, address: Value, args: &[Value]) -> Value {
        let signature = self.signature(true, args.len(), 1);
        let call = self.b.ins().call_indirect(signature, address, args);
        self.b.inst_results(call)[0]
    }

    pub(crate) fn tail_call_address(&mut self, address: Value, args: &[Value]) {
        let signature = self.signature(true, args.len(), 1);
        self.b.ins().return_call_indirect(signature, address, args);
    }

    /// Calls a Rust function.
    pub(crate) fn call_rust(&mut self, helper: Helper, args: &[Value], results: usize) -> Value {
        let signature = self.signature(false, args.len(), results);
        let address = self.data_address(Target::Rust(helper), 0);
        let call = self.b.ins().call_indirect(signature, address, args);
        self.b.inst_results(call).first().copied().unwrap_or(address)
    }

    /// The address of a function of the unit.
    pub(crate) fn function_address(&mut self, index: u32, params: usize) -> Value {
        let function = self.function(Target::Function(index), params, 1);
        self.b.ins().func_addr(I64, function)
    }

    /// The address of a word of what lies elsewhere, so many bytes from its start.
    pub(crate) fn data_address(&mut self, target: Target, offset: usize) -> Value {
        let b = &mut self.b;
        let symbol = *self.data.entry((target, offset)).or_insert_with(|| {
            let name = b.func.declare_imported_user_function(target.name());
            b.create_global_value(GlobalValueData::Symbol {
                name: ExternalName::user(name),
                offset: (offset as i64).into(),
                colocated: false,
                tls: false,
            })
        });
        self.b.ins().symbol_value(I64, symbol)
    }

    /// Leaves by the stub that says why, if the stack is at its end or the evaluation is to stop.
    pub(crate) fn check_limit(&mut self, results: usize) {
        let limit = self.load_context(offset::STACK_LIMIT);
        let sp = self.b.ins().get_stack_pointer(I64);
        let deep = self.b.ins().icmp(IntCC::UnsignedLessThan, sp, limit);
        let (beyond, within) = (self.cold_block(), self.block());
        self.branch(deep, beyond, within);
        self.go_on_in(within);
        let on = self.unless_interrupted(beyond);
        self.go_on_in(beyond);
        self.tail_call(Target::Stub(Stub::Limit), &[], results);
        self.go_on_in(on);
    }

    /// Leaves by the stub that says why, if the evaluation is to stop.
    pub(crate) fn check_interrupt(&mut self, results: usize) {
        let beyond = self.cold_block();
        let on = self.unless_interrupted(beyond);
        self.go_on_in(beyond);
        self.tail_call(Target::Stub(Stub::Limit), &[], results);
        self.go_on_in(on);
    }

    /// Goes to `beyond` if the evaluation is to stop, else to the block returned.
    fn unless_interrupted(&mut self, beyond: Block) -> Block {
        let flag = self.load_context(offset::INTERRUPT);
        let flag = self.b.ins().load(I8, plain(), flag, 0);
        let within = self.block();
        self.branch(flag, beyond, within);
        within
    }
}
