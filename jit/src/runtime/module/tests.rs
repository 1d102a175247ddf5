#![allow(unsafe_code, reason = "runs the code that was linked")]

use super::super::region::CodeRegion;
use super::*;
use crate::codegen::Backend;
use crate::runtime::region::ALIGNMENT;
use cranelift_codegen::binemit::Reloc;
use cranelift_codegen::ir::types::I64;
use cranelift_codegen::ir::{AbiParam, Function, InstBuilder, UserFuncName, Value};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};

/// The signature of functions from a word to a word that Rust can call.
fn signature(isa: &dyn TargetIsa) -> Signature {
    let mut signature = Signature::new(isa.default_call_conv());
    signature.params.push(AbiParam::new(I64));
    signature.returns.push(AbiParam::new(I64));
    signature
}

/// Defines a function from a word to the word that `body` makes of it.
fn define(
    module: &mut UnitModule<'_>,
    id: FuncId,
    body: impl FnOnce(&mut UnitModule<'_>, &mut FunctionBuilder<'_>, Value) -> Value,
) -> ModuleResult<()> {
    let mut context = module.make_context();
    context.func = Function::with_name_signature(UserFuncName::default(), signature(module.isa()));
    let mut buffers = FunctionBuilderContext::new();
    let mut b = FunctionBuilder::new(&mut context.func, &mut buffers);
    let block = b.create_block();
    b.append_block_params_for_function_params(block);
    b.switch_to_block(block);
    let param = b.block_params(block)[0];
    let result = body(module, &mut b, param);
    b.ins().return_(&[result]);
    b.seal_all_blocks();
    b.finalize(module.isa().frontend_config());
    module.define_function(id, &mut context)
}

#[test]
fn a_module_links_functions_that_call_each_other() {
    let backend = Backend::new().expect("the machine is known");
    let isa = &**backend.isa();
    let seven = 7u64;
    let mut region = CodeRegion::new(1 << 16).expect("a region");
    let mut code = region.allocate(1 << 12).expect("room");
    let base = code.address();
    let address = region.write(&mut code, |bytes| {
        let mut module = UnitModule::new(isa, bytes, base);
        let data = module.import((&raw const seven).expose_provenance()).expect("an import");
        let [first, second] = ["first", "second"].map(|name| {
            let signature = signature(isa);
            module.declare_function(name, Linkage::Local, &signature).expect("a new name")
        });
        define(&mut module, first, |module, b, param| {
            let second = module.declare_func_in_func(second, b.func);
            let call = b.ins().call(second, &[param]);
            let result = b.inst_results(call)[0];
            b.ins().iadd_imm_s(result, 1)
        })
        .expect("it fits");
        define(&mut module, second, |module, b, param| {
            let data = module.declare_data_in_func(data, b.func);
            let address = b.ins().symbol_value(I64, data);
            let seven = b.ins().load(I64, ir::MemFlagsData::trusted(), address, 0);
            b.ins().imul(param, seven)
        })
        .expect("it fits");
        module.finish().expect("everything has an address");
        module.function_address(first).expect("it is defined")
    });
    let code = region.publish(code).expect("published");
    assert!(code.addresses().contains(&address));
    let entry = std::ptr::with_exposed_provenance::<()>(address);
    // SAFETY: the address is that of a function of this signature.
    let run: extern "C" fn(u64) -> u64 = unsafe { std::mem::transmute(entry) };
    assert_eq!(run(6), 43);
}

#[test]
fn mistakes_are_errors() {
    let backend = Backend::new().expect("the machine is known");
    let isa = &**backend.isa();
    let mut code = vec![0; 2 * ALIGNMENT];
    let mut module = UnitModule::new(isa, &mut code, 0x1000);
    let signature = signature(isa);
    let bytes = |module: &mut UnitModule<'_>, id, size, relocs: &[ModuleReloc]| {
        module.define_function_bytes(id, 1, &vec![0; size], relocs)
    };
    let declare = |module: &mut UnitModule<'_>, name, linkage| {
        module.declare_function(name, linkage, &signature).expect("a new name")
    };
    let import = declare(&mut module, "import", Linkage::Import);
    let wrong = bytes(&mut module, import, 1, &[]);
    assert!(matches!(wrong, Err(ModuleError::InvalidImportDefinition(_))));
    let [first, second] = ["a", "b"].map(|name| declare(&mut module, name, Linkage::Local));
    let reloc = |offset| ModuleReloc { offset, kind: Reloc::Abs8, name: import.into(), addend: 0 };
    assert!(bytes(&mut module, first, 16, &[reloc(0)]).is_ok());
    let wrong = bytes(&mut module, first, 16, &[]);
    assert!(matches!(wrong, Err(ModuleError::DuplicateDefinition(_))));
    let wrong = bytes(&mut module, second, ALIGNMENT + 1, &[]);
    assert!(matches!(wrong, Err(ModuleError::Allocation { .. })));
    assert!(matches!(module.finish(), Err(ModuleError::Undeclared(_))));
    let wrong = bytes(&mut module, second, 16, &[ModuleReloc { name: first.into(), ..reloc(9) }]);
    assert!(wrong.is_ok());
    assert!(matches!(module.finish(), Err(ModuleError::Backend(_))));
}
