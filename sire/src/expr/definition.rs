//! Encodes new bindings, and decodes the code of bindings.

use super::binding_cache::{BAD_BINDING, BindingCache, CODE, FIELDS, fields};
use super::codec;
use super::node::{Binding, SireExpr};
use crate::malformed::MalformedValue;
use plan::{EvalError, Natural, Val};
use vm::Vm;

/// The content of a new binding.
pub(crate) struct Definition<'a> {
    pub(crate) key: &'a Natural,
    /// The bound value, in normal form.
    pub(crate) value: Val,
    /// The closed expression of the value.
    pub(crate) code: SireExpr,
    pub(crate) name: &'a Natural,
    /// The properties, in normal form; 0 for none.
    pub(crate) props: Val,
}

/// Makes a binding of the module `location`.
pub(crate) fn new_binding(
    vm: &mut Vm,
    location: &Natural,
    definition: Definition<'_>,
) -> Result<Binding, EvalError> {
    let Definition { key, value, code, name, props } = definition;
    let row = vm.build(|b| {
        b.push_natural(key)?;
        b.push(&value);
        codec::encode(b, &code)?;
        b.push_natural(location)?;
        b.push_natural(name)?;
        b.push(&props);
        b.row(FIELDS)
    })?;
    let binding = Binding::new(vm.pin(&row)?, value);
    binding.code.get_or_init(|| code);
    Ok(binding)
}

/// Returns the code of a binding, which is closed. The first call decodes it.
pub(crate) fn code_of<'b>(
    vm: &Vm,
    bindings: &BindingCache,
    binding: &'b Binding,
) -> Result<&'b SireExpr, MalformedValue> {
    if let Some(code) = binding.code.get() {
        return Ok(code);
    }
    let row = fields(vm.look(&binding.encoded)).ok_or(BAD_BINDING)?;
    let code = codec::decode(vm, bindings, row[CODE])?;
    Ok(binding.code.get_or_init(|| code))
}
