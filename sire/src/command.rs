//! Commands: executes the blocks of a module or of a REPL session.

use crate::assertions::CheckedAssertion;
use crate::command_error::{CommandError, reject};
use crate::expr::{Definition, SireExpr};
use crate::nat_text;
use crate::output;
use crate::primitive::{Primitive, PrimitiveCommand};
use crate::read_expr::{LambdaSignature, read_expr, read_key, read_lambda};
use crate::rex_value::RexView;
use crate::session::Session;
use crate::state::{ImportError, MissingNames};
use crate::typing::CheckMode;
use plan::{Natural, Val};
use rex::NodeShape;
use std::collections::BTreeSet;

/// The module whose import makes a module typed.
pub(crate) const TYPED_MODULE: &str = "typed";

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

/// A node of a command chain: nodes of the same rune, each the heir of the one before it.
struct ChainNode {
    shape: NodeShape,
    sons: Vec<Val>,
    /// The heir, if it is not the next node of the chain.
    heir: Option<Val>,
    /// The next node of the chain.
    next: Option<Val>,
}

/// Reads a node of a command chain. Returns `None` for a tree without this rune.
fn chain_node(session: &Session, rune: &Natural, rex: &Val) -> Option<ChainNode> {
    let RexView::Node { shape, rune: found, sons, heir } = RexView::of(&session.vm, rex) else {
        return None;
    };
    if found != *rune {
        return None;
    }
    let continues = |heir: &Val| match RexView::of(&session.vm, heir) {
        RexView::Node { rune: next_rune, .. } => next_rune == *rune,
        _ => false,
    };
    Some(match heir {
        Some(heir) if continues(&heir) => ChainNode { shape, sons, heir: None, next: Some(heir) },
        heir => ChainNode { shape, sons, heir, next: None },
    })
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
    Value(Natural),
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
        DefinitionHead::Value(name) => (name, read_expr(session, body)?),
        DefinitionHead::Function(signature) => {
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
        return Ok(DefinitionHead::Value(name));
    }
    match read_function_head(session, view) {
        Some(signature) => Ok(DefinitionHead::Function(signature)),
        None => reject(rex, "Bad binder: expected foo (foo bar), (**foo bar), etc"),
    }
}

/// Reads `(f x y)` or `(**f x y)`.
fn read_function_head(session: &Session, view: RexView) -> Option<LambdaSignature> {
    let key = |rex: &Val| RexView::of(&session.vm, rex).key();
    let (_, kids) = view.kids().filter(|(rune, _)| *rune == nat_text::from_short("|"))?;
    let (head, args) = kids.split_first()?;
    let (inline, name) = match RexView::of(&session.vm, head) {
        RexView::Node { rune, sons, heir: None, .. } if rune == nat_text::from_short("**") => {
            match &sons[..] {
                [name] => (true, key(name)?),
                _ => return None,
            }
        }
        view => (false, view.key()?),
    };
    let args = args.iter().map(key).collect::<Option<Vec<_>>>()?;
    Some(LambdaSignature { pinned: true, inline, tag: name.clone(), this: Some(name), args })
}

/// Executes `####`: begins a module.
fn enter_module(session: &mut Session, rex: &Val) -> Result<(), CommandError> {
    const EXPECTED: &str = "Expected something like (#### foo) or (#### foo <- bar)";
    let kids = RexView::of(&session.vm, rex).kids().map_or_else(Vec::new, |(_, kids)| kids);
    let target = match &kids[..] {
        [target] => {
            let target = read_key(session, target)?;
            if !session.state.is_initial() {
                return reject(rex, "#### without predecessor, but not in initial state");
            }
            target
        }
        [target, from] => {
            let Some(from) = predecessor(session, from) else { return reject(rex, EXPECTED) };
            let target = read_key(session, target)?;
            if *session.state.context() != read_key(session, &from)? {
                return reject(rex, "That's not where we were");
            }
            target
        }
        _ => return reject(rex, EXPECTED),
    };
    if session.types.mode() == CheckMode::Enforce {
        session.types.set_mode(CheckMode::Off);
    }
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
            names.insert(read_key(session, son)?);
        }
        next = node.next.or(node.heir);
    }
    let Err(MissingNames(missing)) = session.state.retain(&names) else { return Ok(()) };
    let Session { vm, constructors, .. } = session;
    let problem = constructors.word(vm, "logic error")?;
    let names: Vec<String> = missing.iter().map(output::key_text).collect();
    reject(&problem, format!("filter for non-existing keys: {}", names.join(", ")))
}

/// Executes `:|`: adds names of other modules to the scope.
fn import(session: &mut Session, rune: &Natural, block: Val) -> Result<(), CommandError> {
    const BAD: &str = "Bad import syntax";
    let mut next = Some(block.clone());
    while let Some(rex) = next {
        let Some(node) = chain_node(session, rune, &rex) else { return reject(&rex, BAD) };
        let (module, names) = match &node.sons[..] {
            [module] => (module, None),
            [module, names] => match RexView::of(&session.vm, names) {
                RexView::Node { rune, sons, heir: None, .. }
                    if rune == nat_text::from_short(",") =>
                {
                    (module, Some(sons))
                }
                _ => return reject(&rex, BAD),
            },
            _ => return reject(&rex, BAD),
        };
        let module = read_key(session, module)?;
        let names = names
            .map(|names| names.iter().map(|name| read_key(session, name)).collect())
            .transpose()?;
        import_module(session, &block, &module, names.as_ref())?;
        next = node.next.or(node.heir);
    }
    Ok(())
}

/// Adds bindings of a module to the scope: those of `names`, or all of them. An error names
/// `block`.
pub(crate) fn import_module(
    session: &mut Session,
    block: &Val,
    module: &Natural,
    names: Option<&BTreeSet<Natural>>,
) -> Result<(), CommandError> {
    let is_marker = *module == nat_text::from_short(TYPED_MODULE);
    let Session { vm, bindings, state, .. } = session;
    match state.import(vm, bindings, module, names) {
        Ok(()) => {
            if is_marker && session.types.mode() == CheckMode::Off {
                session.types.set_mode(CheckMode::Enforce);
            }
            Ok(())
        }
        Err(ImportError::Malformed(malformed)) => Err(malformed.into()),
        Err(ImportError::NotLoaded) => {
            let module = output::key_text(module);
            reject(block, format!("Module not loaded: {module}"))
        }
        Err(ImportError::MissingNames(MissingNames(names))) => {
            let names: Vec<String> = names.iter().map(output::key_text).collect();
            reject(block, format!("imported symbols do not exist: {names:?}"))
        }
    }
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
