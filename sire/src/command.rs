//! Commands: executes the blocks of a module or of a REPL session.

use crate::assertions::CheckedAssertion;
use crate::chain_node::chain_node;
use crate::command_error::{CommandError, reject};
use crate::expr::{Definition, SireExpr};
use crate::import::import;
use crate::nat_text;
use crate::output;
use crate::primitive::{Primitive, PrimitiveCommand};
use crate::read_expr::{BoundName, LambdaSignature, read_expr, read_key, read_lambda};
use crate::rex_value::RexView;
use crate::session::Session;
use crate::state::MissingNames;
use plan::{Natural, Val};
use std::collections::BTreeSet;

/// Executes a command.
///
/// # Errors
///
/// A failed command can leave changes behind. The caller undoes them with
/// [`SireState::roll_back`](crate::state::SireState::roll_back).
pub(crate) fn execute(session: &mut Session, rex: &Val) -> Result<(), CommandError> {
    let mut pending = vec![rex.clone()];
    while let Some(rex) = pending.pop() {
        let RexView::Node { rune, sons, heir, .. } = RexView::of(&session.vm, &rex) else {
            show(session, &rex)?;
            continue;
        };
        if let Some(macro_value) = session.lookup(&rune) {
            let expanded = session.expand(&macro_value, &rex)?;
            session.expansions.push(rex);
            pending.push(expanded);
            continue;
        }
        match Primitive::of(&rune) {
            Some(Primitive::Expression(_)) => show(session, &rex)?,
            Some(Primitive::Command(PrimitiveCommand::Sequence)) => {
                pending.extend(sons.into_iter().chain(heir).rev());
            }
            Some(Primitive::Command(PrimitiveCommand::Define)) => define(session, &rune, rex)?,
            Some(Primitive::Command(PrimitiveCommand::EnterModule)) => {
                enter_module(session, &rex)?;
            }
            Some(Primitive::Command(PrimitiveCommand::Export)) => export(session, &rune, rex)?,
            Some(Primitive::Command(PrimitiveCommand::Assert)) => assert(session, &rune, rex)?,
            Some(Primitive::Command(PrimitiveCommand::Import)) => import(session, &rune, rex)?,
            None => return reject(&rex, format!("Unbound rune: {}", nat_text::to_text(&rune))),
        }
    }
    Ok(())
}

/// Prints the value of an expression.
fn show(session: &mut Session, rex: &Val) -> Result<(), CommandError> {
    let expr = read_expr(session, rex)?;
    session.check_expr(&expr)?;
    let value = session.evaluate(&expr)?;
    Ok(session.show_value(&value)?)
}

/// Executes `=`: a chain of definitions.
fn define(session: &mut Session, rune: &Natural, rex: Val) -> Result<(), CommandError> {
    let mut next = Some(rex);
    while let Some(rex) = next {
        let Some(node) = chain_node(session, rune, &rex) else { break };
        let parts: Vec<Val> = node.sons.into_iter().chain(node.heir).collect();
        define_one(session, &rex, &parts)?;
        next = node.next;
    }
    Ok(())
}

/// The left side of a definition.
enum DefinitionHead {
    Value(BoundName),
    Function(LambdaSignature),
}

fn define_one(session: &mut Session, rex: &Val, parts: &[Val]) -> Result<(), CommandError> {
    let (key, props, head, body) = match parts {
        [head, body] => (None, None, head, body),
        [key, head, body] => (Some(key), None, head, body),
        [key, props, head, body] => (Some(key), Some(props), head, body),
        _ => return reject(rex, "Define cmd needs two or three parameters"),
    };
    let key = key.map(|key| read_key(session, key)).transpose()?.unwrap_or_default();
    let props = props.map(|props| read_expr(session, props)).transpose()?;
    let (name, code) = match read_head(session, head)? {
        DefinitionHead::Value(BoundName { name, part }) => {
            session.note_definition(&part, &name);
            (name, read_expr(session, body)?)
        }
        DefinitionHead::Function(signature) => {
            if let Some(this) = &signature.this {
                session.note_definition(&this.part, &this.name);
            }
            (signature.tag.clone(), read_lambda(session, signature, body)?)
        }
    };
    bind(session, &key, props, &name, code)
}

fn bind(
    session: &mut Session,
    key: &Natural,
    props: Option<SireExpr>,
    name: &Natural,
    code: SireExpr,
) -> Result<(), CommandError> {
    session.check_definition(name, &code)?;
    let value = session.evaluate(&code)?;
    let props = match props {
        Some(props) => session.evaluate(&props)?,
        None => session.zero.clone(),
    };
    session.define(Definition { key, value: value.clone(), code, name, props })?;
    Ok(session.show_definition(name, &value)?)
}

fn read_head(session: &Session, rex: &Val) -> Result<DefinitionHead, CommandError> {
    let view = RexView::of(&session.vm, rex);
    if let Some(name) = view.key() {
        return Ok(DefinitionHead::Value(BoundName { name, part: rex.clone() }));
    }
    match read_function_head(session, view) {
        Some(signature) => Ok(DefinitionHead::Function(signature)),
        None => reject(rex, "Bad binder: expected foo (foo bar), (**foo bar), etc"),
    }
}

/// Reads `(f x y)` or `(**f x y)`.
fn read_function_head(session: &Session, view: RexView) -> Option<LambdaSignature> {
    let bound = |rex: &Val| {
        let name = RexView::of(&session.vm, rex).key()?;
        Some(BoundName { name, part: rex.clone() })
    };
    let (_, kids) = view.kids().filter(|(rune, _)| *rune == nat_text::from_short("|"))?;
    let (head, args) = kids.split_first()?;
    let (inline, name) = match RexView::of(&session.vm, head) {
        RexView::Node { rune, sons, heir: None, .. } if rune == nat_text::from_short("**") => {
            match &sons[..] {
                [name] => (true, bound(name)?),
                _ => return None,
            }
        }
        _ => (false, bound(head)?),
    };
    let args = args.iter().map(bound).collect::<Option<Vec<_>>>()?;
    let tag = name.name.clone();
    Some(LambdaSignature { pinned: true, inline, tag, this: Some(name), args })
}

/// Executes `####`: begins a module.
///
/// The loader has run everything that the module of a file depends on, in an order of its own. Any
/// other header is executed directly after its predecessor, as in the prototype.
fn enter_module(session: &mut Session, rex: &Val) -> Result<(), CommandError> {
    const EXPECTED: &str = "Expected something like (#### foo) or (#### foo <- bar)";
    let kids = RexView::of(&session.vm, rex).kids().map_or_else(Vec::new, |(_, kids)| kids);
    let target = match &kids[..] {
        [target] => {
            let target = read_key(session, target)?;
            if !session.is_file_header && !session.state.is_initial() {
                return reject(rex, "#### without predecessor, but not in initial state");
            }
            target
        }
        [target, from] => {
            let Some(from) = predecessor(session, from) else { return reject(rex, EXPECTED) };
            let target = read_key(session, target)?;
            let from = read_key(session, &from)?;
            let is_loaded = session.is_file_header && session.state.has_module(&from);
            if !is_loaded && *session.state.context() != from {
                return reject(rex, "That's not where we were");
            }
            target
        }
        _ => return reject(rex, EXPECTED),
    };
    Ok(session.state.enter_module(&mut session.vm, target)?)
}

/// Returns the name in `<- name`.
fn predecessor(session: &Session, rex: &Val) -> Option<Val> {
    match RexView::of(&session.vm, rex) {
        RexView::Node { rune, mut sons, heir: None, .. } if rune == nat_text::from_short("<-") => {
            sons.pop().filter(|_| sons.is_empty())
        }
        _ => None,
    }
}

/// Executes `^-^`: removes all names from the scope except the given ones.
fn export(session: &mut Session, rune: &Natural, rex: Val) -> Result<(), CommandError> {
    let mut names = BTreeSet::new();
    let mut next = Some(rex);
    while let Some(rex) = next {
        let Some(node) = chain_node(session, rune, &rex) else {
            return reject(&rex, "Bad export-filter syntax");
        };
        for son in &node.sons {
            let name = read_key(session, son)?;
            session.note_name(son, &name);
            names.insert(name);
        }
        next = node.next.or(node.heir);
    }
    let Err(MissingNames(missing)) = session.state.retain(&names) else { return Ok(()) };
    let Session { vm, constructors, .. } = session;
    let problem = constructors.word(vm, "logic error")?;
    let names: Vec<String> = missing.iter().map(output::key_text).collect();
    reject(&problem, format!("filter for non-existing keys: {}", names.join(", ")))
}

/// Executes `=?=`: fails unless two values are equal.
fn assert(session: &mut Session, rune: &Natural, rex: Val) -> Result<(), CommandError> {
    let mut next = Some(rex);
    while let Some(rex) = next {
        let Some(node) = chain_node(session, rune, &rex) else { break };
        let rune_text = nat_text::to_text(rune);
        let place = rex.clone();
        let single = match node.next {
            Some(_) => {
                let Session { vm, constructors, .. } = &mut *session;
                constructors.node(vm, node.shape, &rune_text, &node.sons, None)?
            }
            None => rex,
        };
        session.show_assertion(&single)?;
        let parts: Vec<Val> = node.sons.into_iter().chain(node.heir).collect();
        let [left, right] = &parts[..] else {
            return reject(&single, format!("{rune_text} expects two parameters"));
        };
        let failure = check_sides(session, &place, left, right).err();
        match &mut session.checked_assertions {
            Some(checked) => checked.push(CheckedAssertion { part: place, failure }),
            None => failure.map_or(Ok(()), Err)?,
        }
        next = node.next;
    }
    Ok(())
}

/// Evaluates both sides of an assertion, and fails unless they are equal.
fn check_sides(
    session: &mut Session,
    place: &Val,
    left: &Val,
    right: &Val,
) -> Result<(), CommandError> {
    let left = read_expr(session, left)?;
    let right = read_expr(session, right)?;
    session.check_assertion(&left, &right)?;
    let left = session.evaluate(&left)?;
    let right = session.evaluate(&right)?;
    match session.vm.look(&left).is_equal(session.vm.look(&right)) {
        true => Ok(()),
        false => Err(CommandError::Assertion { place: place.clone(), left, right }),
    }
}
