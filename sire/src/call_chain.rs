//! The call chain of a crash as text, with the places where the laws were defined.

use crate::definition_source::find_definition;
use crate::expr::Binding;
use crate::nat_text;
use crate::session::{SESSION_NAME, Session};
use plan::{Natural, Ref, Shape};
use std::rc::Rc;
use vm::CallChain;

/// Returns the lines of a call chain, innermost call first; none if no call is known.
pub(crate) fn call_chain_lines(session: &Session, chain: &CallChain) -> Vec<String> {
    chain.lines(&session.vm, |name, law| place_of(session, name, law))
}

/// Returns where a law was defined: the file and line, or the module if its text is not known.
pub(crate) fn place_of(session: &Session, name: &str, law: Ref<'_>) -> Option<String> {
    let key = nat_text::from_text(name);
    let binding = binding_of(session, &key, law)?;
    let vm = &session.vm;
    let module = nat_text::to_text(&binding.location(vm)?);
    if module == SESSION_NAME {
        return Some(module);
    }
    let name = nat_text::to_text(&binding.name(vm)?);
    let source = session.library.text(&module);
    let source = source.and_then(|(path, text)| find_definition(&path, &text, &name));
    Some(source.map_or(module, |source| format!("{}:{}", source.file, source.line)))
}

/// Returns the binding of a name, in scope or in a completed module, whose value is the law.
fn binding_of(session: &Session, name: &Natural, law: Ref<'_>) -> Option<Rc<Binding>> {
    let Session { vm, bindings, state, .. } = session;
    let is_of_law = |binding: &Rc<Binding>| {
        let value = vm.look(&binding.value);
        match value.shape() {
            Shape::Pin(pin) => pin.item().is_same(law),
            _ => value.is_same(law),
        }
    };
    let in_modules =
        state.modules().filter_map(|module| state.lookup_in(vm, bindings, module, name).ok()?);
    state.lookup(name).cloned().into_iter().chain(in_modules).find(is_of_law)
}
