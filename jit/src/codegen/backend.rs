//! Cranelift, configured for this machine: compiles one function at a time.

use super::constants::make_constants_local;
use super::emitter::{FunctionEmitter, signature};
use super::error::CompileError;
use super::function::{CompiledFunction, Relocation, StackMap};
use super::symbol::LinkSymbol;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::{ExternalName, Signature, UserFuncName, Value};
use cranelift_codegen::isa::OwnedTargetIsa;
use cranelift_codegen::settings::{self, Configurable};
use cranelift_codegen::{
    CodegenResult, CompiledCode, Context, FinalizedMachReloc, FinalizedRelocTarget, ir,
};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};

/// The listing of a function that is made besides its machine code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Listing {
    /// Nothing.
    None,
    /// A disassembly, for a reader.
    Disassembly,
}

/// Cranelift with the settings that the runtime relies on, and buffers that functions share.
pub struct Backend {
    isa: OwnedTargetIsa,
    context: Context,
    register_allocation: regalloc2::Ctx,
    builder: FunctionBuilderContext,
}

impl Backend {
    /// Configures Cranelift for this machine.
    ///
    /// # Errors
    /// If Cranelift does not support this machine.
    pub fn new() -> Result<Backend, CompileError> {
        let mut flags = settings::builder();
        let chosen = [
            ("opt_level", "speed"),
            // The collector walks frames by frame pointers; tail calls on x86_64 need them as well.
            ("preserve_frame_pointers", "true"),
            // The pinned register holds the runtime's address.
            ("enable_pinned_reg", "true"),
            ("is_pic", "false"),
            ("unwind_info", "false"),
            ("enable_verifier", if cfg!(debug_assertions) { "true" } else { "false" }),
        ];
        for (name, value) in chosen {
            flags.set(name, value).map_err(|error| CompileError::Platform(error.to_string()))?;
        }
        let isa = cranelift_native::builder()
            .map_err(|error| CompileError::Platform(error.to_owned()))?
            .finish(settings::Flags::new(flags))
            .map_err(|error| CompileError::Platform(error.to_string()))?;
        let (context, builder) = (Context::new(), FunctionBuilderContext::new());
        Ok(Backend { isa, context, register_allocation: regalloc2::Ctx::default(), builder })
    }

    /// The target that code is compiled for.
    pub(crate) fn isa(&self) -> &OwnedTargetIsa {
        &self.isa
    }

    /// A signature in the convention of Rust's `extern "C"` functions.
    pub(crate) fn system_signature(&self, params: usize, results: usize) -> Signature {
        signature(self.isa.default_call_conv(), params, results)
    }

    /// Describes the target: the architecture, the settings and the processor features in use.
    pub(crate) fn describe(&self) -> String {
        let flags = self.isa.isa_flags();
        let flags: Vec<String> = flags.iter().map(ToString::to_string).collect();
        format!("{} {} {}", self.isa.triple(), self.isa.flags(), flags.join(" "))
    }

    /// Compiles the function whose body `emit` writes.
    ///
    /// # Errors
    /// Those of `emit`, and [`CompileError::Cranelift`].
    pub(crate) fn compile(
        &mut self,
        signature: Signature,
        listing: Listing,
        emit: impl FnOnce(&mut FunctionEmitter<'_>, &[Value]) -> Result<(), CompileError>,
    ) -> Result<CompiledFunction, CompileError> {
        self.build(signature, emit)?;
        let compiled = self.generate(listing == Listing::Disassembly);
        let compiled = compiled.map_err(|error| CompileError::Cranelift(format!("{error:?}")))?;
        let params = &self.context.func.params;
        let relocations = compiled.buffer.relocs().iter().map(|reloc| relocation(reloc, params));
        Ok(CompiledFunction {
            code: compiled.code_buffer().to_vec(),
            relocations: relocations.collect::<Result<_, _>>()?,
            stack_maps: stack_maps(&compiled),
            law: None,
            disassembly: compiled.vcode,
        })
    }

    /// Optimises the function that was built, and generates its code.
    fn generate(&mut self, wants_disassembly: bool) -> CodegenResult<CompiledCode> {
        let context = &mut self.context;
        context.optimize(&*self.isa, &mut ControlPlane::default())?;
        make_constants_local(&mut context.func);
        let stencil = self.isa.compile_function(
            &context.func,
            &context.domtree,
            &mut self.register_allocation,
            wants_disassembly,
            &mut ControlPlane::default(),
        )?;
        // That may have changed the parameters of the function.
        Ok(stencil.apply_params(&context.func.params))
    }

    /// Builds the function whose body `emit` writes, and returns it as Cranelift's IR.
    ///
    /// # Errors
    /// Those of `emit`.
    pub(crate) fn build(
        &mut self,
        signature: Signature,
        emit: impl FnOnce(&mut FunctionEmitter<'_>, &[Value]) -> Result<(), CompileError>,
    ) -> Result<&ir::Function, CompileError> {
        self.context.clear();
        self.context.func.signature = signature;
        self.context.func.name = UserFuncName::user(0, 0);
        let mut b = FunctionBuilder::new(&mut self.context.func, &mut self.builder);
        let entry = b.create_block();
        b.append_block_params_for_function_params(entry);
        b.switch_to_block(entry);
        b.seal_block(entry);
        let params = b.block_params(entry).to_vec();
        let mut emitter = FunctionEmitter::new(b, self.isa.default_call_conv());
        let emitted = emit(&mut emitter, &params);
        emitter.b.seal_all_blocks();
        let finished = emitted.map(|()| emitter.b.finalize(self.isa.frontend_config()));
        if let Err(error) = finished {
            // The builder's buffers still describe the unfinished function.
            self.builder = FunctionBuilderContext::new();
            return Err(error);
        }
        Ok(&self.context.func)
    }
}

fn relocation(
    reloc: &FinalizedMachReloc,
    params: &ir::function::FunctionParameters,
) -> Result<Relocation, CompileError> {
    let symbol = match &reloc.target {
        FinalizedRelocTarget::ExternalName(ExternalName::User(name)) => {
            LinkSymbol::named(&params.user_named_funcs()[*name])
        }
        _ => None,
    };
    let unknown = || CompileError::Cranelift(format!("a reference to {:?}", reloc.target));
    let symbol = symbol.ok_or_else(unknown)?;
    Ok(Relocation { offset: reloc.offset, kind: reloc.kind, symbol, addend: reloc.addend })
}

/// Copies the stack maps. The context drops them when it is cleared for the next function.
fn stack_maps(compiled: &CompiledCode) -> Vec<StackMap> {
    let maps = compiled.buffer.user_stack_maps().iter();
    maps.map(|(return_offset, span, map)| {
        let slots = map.entries().map(|(_, offset)| offset).collect();
        StackMap { return_offset: *return_offset, span: *span, slots }
    })
    .collect()
}
