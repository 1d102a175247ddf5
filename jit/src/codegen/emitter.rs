//! Writing the body of one function in Cranelift's IR.
//!
//! The emitter knows the layout of words and objects and the calling conventions; it knows nothing
//! of the units that are translated.

use super::symbol::{LinkSymbol, Stub};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::{I8, I64};
use cranelift_codegen::ir::{
    AbiParam, Block, ExtFuncData, ExternalName, FuncRef, GlobalValue, GlobalValueData, InstBuilder,
    MemFlagsData, SigRef, Signature, StackSlot, StackSlotData, StackSlotKind, UserStackMapEntry,
    Value,
};
use cranelift_codegen::isa::CallConv;
use cranelift_frontend::FunctionBuilder;
use foldhash::HashMap;
use vm::native::{Helper, layout, offset};

/// The signature of a compiled function: all parameters and results are words.
pub(crate) fn tail_signature(params: usize, results: usize) -> Signature {
    signature(CallConv::Tail, params, results)
}

/// A signature of words in that convention.
pub(super) fn signature(convention: CallConv, params: usize, results: usize) -> Signature {
    let mut signature = Signature::new(convention);
    signature.params.resize(params, AbiParam::new(I64));
    signature.returns.resize(results, AbiParam::new(I64));
    signature
}

/// The flags of every memory access: it is aligned and cannot trap.
pub(crate) fn trusted() -> MemFlagsData {
    MemFlagsData::trusted()
}

/// The body of a function while it is written.
pub(crate) struct FunctionEmitter<'a> {
    /// Cranelift's builder, for instructions that have no method here.
    pub(crate) b: FunctionBuilder<'a>,
    /// The convention of Rust's `extern "C"` functions.
    system: CallConv,
    // The imports of the function so far.
    functions: HashMap<(LinkSymbol, usize, usize), FuncRef>,
    signatures: HashMap<(CallConv, usize, usize), SigRef>,
    data: HashMap<(LinkSymbol, usize), GlobalValue>,
    /// The slots of the frame in which words are saved during calls on rare paths.
    slots: Vec<StackSlot>,
}

impl<'a> FunctionEmitter<'a> {
    pub(super) fn new(b: FunctionBuilder<'a>, system: CallConv) -> FunctionEmitter<'a> {
        let (functions, signatures, data, slots) = Default::default();
        FunctionEmitter { b, system, functions, signatures, data, slots }
    }

    // Words.

    /// The word of those bits.
    pub(crate) fn constant(&mut self, bits: u64) -> Value {
        self.b.ins().iconst(I64, bits as i64)
    }

    /// The address in a word that points to an object.
    pub(crate) fn address(&mut self, word: Value) -> Value {
        self.b.ins().band_imm_s(word, layout::ADDRESS_MASK as i64)
    }

    /// The top byte of a word, which says of what kind the value is.
    pub(crate) fn top_byte(&mut self, word: Value) -> Value {
        self.b.ins().ushr_imm_s(word, 56)
    }

    /// Whether a word has that top byte.
    pub(crate) fn is_top(&mut self, word: Value, top: u64) -> Value {
        let byte = self.top_byte(word);
        self.b.ins().icmp_imm_s(IntCC::Equal, byte, top as i64)
    }

    /// Whether a word points to a thunk. As unsigned numbers, those words are the largest.
    pub(crate) fn is_thunk(&mut self, word: Value) -> Value {
        let least = self.constant(layout::top::THUNK << 56);
        self.b.ins().icmp(IntCC::UnsignedGreaterThanOrEqual, word, least)
    }

    /// Whether the object of a thunk, at an address, is an indirection: the thunk is evaluated.
    pub(crate) fn is_indirection(&mut self, address: Value) -> Value {
        let layout = self.b.ins().uload8(I64, trusted(), address, 0);
        let indirection = layout::ObjectKind::Indirection.code() as i64;
        self.b.ins().icmp_imm_s(IntCC::Equal, layout, indirection)
    }

    /// Whether a word is anything but a nat below 2^63, which is its own word.
    pub(crate) fn is_not_direct(&mut self, word: Value) -> Value {
        self.b.ins().icmp_imm_s(IntCC::SignedLessThan, word, 0)
    }

    // Memory.

    /// Loads a word.
    pub(crate) fn load(&mut self, address: Value, offset: i32) -> Value {
        self.b.ins().load(I64, trusted(), address, offset)
    }

    /// Stores a word.
    pub(crate) fn store(&mut self, value: Value, address: Value, offset: i32) {
        self.b.ins().store(trusted(), value, address, offset);
    }

    /// Loads a payload word of the object at an address.
    pub(crate) fn payload(&mut self, address: Value, index: usize) -> Value {
        self.load(address, layout::PAYLOAD + 8 * index as i32)
    }

    /// Stores a payload word of the object at an address.
    pub(crate) fn set_payload(&mut self, address: Value, index: usize, value: Value) {
        self.store(value, address, layout::PAYLOAD + 8 * index as i32);
    }

    /// The payload size of the object at an address, in words.
    pub(crate) fn payload_size(&mut self, address: Value) -> Value {
        let header = self.load(address, 0);
        self.b.ins().ushr_imm_s(header, 32)
    }

    /// The runtime's address.
    pub(crate) fn context(&mut self) -> Value {
        self.b.ins().get_pinned_reg(I64)
    }

    /// Loads a word of the runtime.
    pub(crate) fn load_context(&mut self, offset: usize) -> Value {
        let context = self.context();
        self.load(context, offset as i32)
    }

    /// Stores a word of the runtime.
    pub(crate) fn store_context(&mut self, value: Value, offset: usize) {
        let context = self.context();
        self.store(value, context, offset as i32);
    }

    // Control flow.

    /// A new block.
    pub(crate) fn block(&mut self) -> Block {
        self.b.create_block()
    }

    /// A new block that rarely runs. Cranelift places it after the others.
    pub(crate) fn cold_block(&mut self) -> Block {
        let block = self.b.create_block();
        self.b.set_cold_block(block);
        block
    }

    /// A new block with one word as its parameter.
    pub(crate) fn block_with_param(&mut self) -> (Block, Value) {
        let block = self.b.create_block();
        let word = self.b.append_block_param(block, I64);
        (block, word)
    }

    /// Continues in a block, which all jumps to it come before.
    pub(crate) fn switch_to(&mut self, block: Block) {
        self.b.switch_to_block(block);
        self.b.seal_block(block);
    }

    /// Continues in a block that later code may jump to.
    pub(crate) fn switch_to_loop(&mut self, block: Block) {
        self.b.switch_to_block(block);
    }

    /// Ends the block with a jump.
    pub(crate) fn jump(&mut self, block: Block, values: &[Value]) {
        let values: Vec<_> = values.iter().map(|value| (*value).into()).collect();
        self.b.ins().jump(block, &values);
    }

    /// Ends the block with a branch.
    pub(crate) fn branch(&mut self, condition: Value, yes: Block, no: Block) {
        self.b.ins().brif(condition, yes, &[], no, &[]);
    }

    /// Ends a block that rarely runs with a branch: to the first block, or to the other with a word. The jump there
    /// has a block of its own, because Cranelift places what an edge has to move among the common code.
    pub(crate) fn branch_rarely(
        &mut self,
        condition: Value,
        yes: Block,
        (no, word): (Block, Value),
    ) {
        let jump = self.cold_block();
        self.branch(condition, yes, jump);
        self.switch_to(jump);
        self.jump(no, &[word]);
    }

    /// Continues in a new block if the condition holds, and branches to `otherwise` if not.
    pub(crate) fn guard(&mut self, condition: Value, otherwise: Block) {
        let then = self.block();
        self.branch(condition, then, otherwise);
        self.switch_to(then);
    }

    // Calls.

    fn signature(&mut self, convention: CallConv, params: usize, results: usize) -> SigRef {
        let b = &mut self.b;
        *self
            .signatures
            .entry((convention, params, results))
            .or_insert_with(|| b.import_signature(signature(convention, params, results)))
    }

    /// Imports a compiled function or a stub.
    fn function(&mut self, symbol: LinkSymbol, params: usize, results: usize) -> FuncRef {
        if let Some(function) = self.functions.get(&(symbol, params, results)) {
            return *function;
        }
        let signature = self.signature(CallConv::Tail, params, results);
        let name = self.b.func.declare_imported_user_function(symbol.name());
        let function = self.b.import_function(ExtFuncData {
            name: ExternalName::user(name),
            signature,
            // All code is in one region, within the reach of a near call.
            colocated: true,
            patchable: false,
        });
        self.functions.insert((symbol, params, results), function);
        function
    }

    /// Calls a function or stub, and returns its results.
    pub(crate) fn call(
        &mut self,
        symbol: LinkSymbol,
        args: &[Value],
        results: usize,
    ) -> Vec<Value> {
        let function = self.function(symbol, args.len(), results);
        let call = self.b.ins().call(function, args);
        self.b.inst_results(call).to_vec()
    }

    /// Calls a stub, and returns its one result.
    pub(crate) fn call_stub(&mut self, stub: Stub, args: &[Value]) -> Value {
        self.call(LinkSymbol::Stub(stub), args, 1)[0]
    }

    /// Calls a stub while the first slots of the frame hold saved words. Those at the places `mapped` may point
    /// into the heap. Returns its one result.
    pub(super) fn call_stub_with_saved(
        &mut self,
        stub: Stub,
        args: &[Value],
        mapped: impl IntoIterator<Item = usize>,
    ) -> Value {
        let function = self.function(LinkSymbol::Stub(stub), args.len(), 1);
        let call = self.b.ins().call(function, args);
        for place in mapped {
            let entry = UserStackMapEntry { ty: I64, slot: self.slot(place), offset: 0 };
            self.b.func.dfg.append_user_stack_map_entry(call, entry);
        }
        self.b.inst_results(call)[0]
    }

    /// Saves a word in a slot of the frame.
    pub(super) fn save(&mut self, word: Value, place: usize) {
        let slot = self.slot(place);
        self.b.ins().stack_store(I64, word, slot, 0);
    }

    /// The word that is saved in a slot of the frame.
    pub(super) fn saved(&mut self, place: usize) -> Value {
        let slot = self.slot(place);
        self.b.ins().stack_load(I64, I64, slot, 0)
    }

    fn slot(&mut self, place: usize) -> StackSlot {
        while self.slots.len() <= place {
            let word = StackSlotData::new(StackSlotKind::ExplicitSlot, 8, 3);
            self.slots.push(self.b.create_sized_stack_slot(word));
        }
        self.slots[place]
    }

    /// Ends the block with a tail call of a function or stub.
    pub(crate) fn tail_call(&mut self, symbol: LinkSymbol, args: &[Value], results: usize) {
        let function = self.function(symbol, args.len(), results);
        self.b.ins().return_call(function, args);
    }

    /// Calls compiled code at an address, and returns its one result.
    pub(crate) fn call_address(&mut self, address: Value, args: &[Value]) -> Value {
        let signature = self.signature(CallConv::Tail, args.len(), 1);
        let call = self.b.ins().call_indirect(signature, address, args);
        self.b.inst_results(call)[0]
    }

    /// Ends the block with a tail call of compiled code at an address.
    pub(crate) fn tail_call_address(&mut self, address: Value, args: &[Value]) {
        let signature = self.signature(CallConv::Tail, args.len(), 1);
        self.b.ins().return_call_indirect(signature, address, args);
    }

    /// Calls a Rust function, and returns its result if it has one.
    pub(crate) fn call_helper(
        &mut self,
        helper: Helper,
        args: &[Value],
        results: usize,
    ) -> Option<Value> {
        let signature = self.signature(self.system, args.len(), results);
        let address = self.data_address(LinkSymbol::Helper(helper), 0);
        let call = self.b.ins().call_indirect(signature, address, args);
        self.b.inst_results(call).first().copied()
    }

    /// The address of a function of the unit.
    pub(crate) fn function_address(&mut self, index: u32, params: usize) -> Value {
        let function = self.function(LinkSymbol::Function(index), params, 1);
        self.b.ins().func_addr(I64, function)
    }

    /// The address of a symbol, plus `offset` bytes.
    pub(crate) fn data_address(&mut self, symbol: LinkSymbol, offset: usize) -> Value {
        let b = &mut self.b;
        let value = *self.data.entry((symbol, offset)).or_insert_with(|| {
            let name = b.func.declare_imported_user_function(symbol.name());
            b.create_global_value(GlobalValueData::Symbol {
                name: ExternalName::user(name),
                offset: (offset as i64).into(),
                colocated: false,
                tls: false,
            })
        });
        self.b.ins().symbol_value(I64, value)
    }

    // Polls.

    /// Branches to a new block if the stack is used up or the interrupt flag is set, and to another
    /// if not. Continues in the first.
    pub(crate) fn poll_limit(&mut self) -> Block {
        let limit = self.load_context(offset::STACK_LIMIT);
        let sp = self.b.ins().get_stack_pointer(I64);
        let deep = self.b.ins().icmp(IntCC::UnsignedLessThan, sp, limit);
        let (pending, shallow) = (self.cold_block(), self.block());
        self.branch(deep, pending, shallow);
        self.switch_to(shallow);
        self.branch_on_interrupt(pending)
    }

    /// Branches to a new block if the interrupt flag is set, and to another if not. Continues in
    /// the first.
    pub(crate) fn poll_interrupt(&mut self) -> Block {
        let pending = self.cold_block();
        self.branch_on_interrupt(pending)
    }

    /// Branches to a block if the interrupt flag is set. Continues in a new block if not.
    pub(crate) fn guard_not_interrupted(&mut self, otherwise: Block) {
        let flag = self.load_context(offset::INTERRUPT);
        let flag = self.b.ins().load(I8, trusted(), flag, 0);
        let proceeding = self.block();
        self.branch(flag, otherwise, proceeding);
        self.switch_to(proceeding);
    }

    fn branch_on_interrupt(&mut self, pending: Block) -> Block {
        let flag = self.load_context(offset::INTERRUPT);
        let flag = self.b.ins().load(I8, trusted(), flag, 0);
        let otherwise = self.block();
        self.branch(flag, pending, otherwise);
        self.switch_to(pending);
        otherwise
    }

    /// Obeys an interrupt: calls the stub, which returns if the evaluation goes on. The words are
    /// kept on the evaluation stack meanwhile. Returns them as they are afterwards.
    ///
    /// Slots of the frame with a stack map would do as well. But then every deep recursion would
    /// pay for them with a larger frame.
    pub(crate) fn obey_interrupt(&mut self, words: &[Value]) -> Vec<Value> {
        if words.is_empty() {
            self.call_stub(Stub::Limit, &[]);
            return Vec::new();
        }
        let size = words.len() as i64;
        let below = self.load_context(offset::EVAL_TOP);
        let slot = self.eval_stack_slot(below);
        for (index, word) in words.iter().enumerate() {
            self.store(*word, slot, 8 * index as i32);
        }
        let top = self.b.ins().iadd_imm_s(below, size);
        self.store_context(top, offset::EVAL_TOP);
        self.call_stub(Stub::Limit, &[]);
        let top = self.load_context(offset::EVAL_TOP);
        let below = self.b.ins().iadd_imm_s(top, -size);
        let slot = self.eval_stack_slot(below);
        let words = (0..words.len()).map(|index| self.load(slot, 8 * index as i32)).collect();
        self.lower_eval_stack(below);
        words
    }

    // The evaluation stack.

    /// The address of a word on the evaluation stack.
    pub(crate) fn eval_stack_slot(&mut self, index: Value) -> Value {
        let base = self.load_context(offset::EVAL_BASE);
        let distance = self.b.ins().ishl_imm_s(index, 3);
        self.b.ins().iadd(base, distance)
    }

    /// Writes a word of the evaluation stack, and notes that it has changed.
    pub(crate) fn write_eval_stack(&mut self, index: Value, word: Value) {
        let slot = self.eval_stack_slot(index);
        self.store(word, slot, 0);
        let unchanged = self.load_context(offset::EVAL_UNCHANGED);
        let unchanged = self.b.ins().umin(unchanged, index);
        self.store_context(unchanged, offset::EVAL_UNCHANGED);
    }

    /// Lowers the top of the evaluation stack.
    pub(crate) fn lower_eval_stack(&mut self, top: Value) {
        self.store_context(top, offset::EVAL_TOP);
        let unchanged = self.load_context(offset::EVAL_UNCHANGED);
        let unchanged = self.b.ins().umin(unchanged, top);
        self.store_context(unchanged, offset::EVAL_UNCHANGED);
    }
}
