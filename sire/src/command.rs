//! Commands: what the blocks of a module and the lines of a session do.

use crate::ast::Expr;
use crate::bind::Definition;
use crate::error::Fault;
use crate::expr::{self, Signature, read_key, reject};
use crate::name;
use crate::output;
use crate::rune::{Command, Primitive};
use crate::session::Session;
use crate::state::{ImportError, Missing};
use crate::syntax::Form;
use rex::NodeShape;
use std::collections::BTreeSet;
use vm::{Natural, Val};

/// Carries out a command. What it changed stays changed even if it fails: see
/// [`State::roll_back`](crate::state::State::roll_back).
pub(crate) fn execute(session: &mut Session, rex: &Val) -> Result<(), Fault> {
    let mut pending = vec![rex.clone()];
    while let Some(rex) = pending.pop() {
        let Form::Node { rune, sons, heir, .. } = Form::of(&session.vm, &rex) else {
            show(session, &rex)?;
            continue;
        };
        if let Some(macro_value) = session.lookup(&rune) {
            pending.push(session.expand(&macro_value, &rex)?);
            continue;
        }
        match Primitive::of(&rune) {
            Some(Primitive::Expression(_)) => show(session, &rex)?,
            Some(Primitive::Command(Command::Each)) => {
                pending.extend(sons.into_iter().chain(heir).rev());
            }
            Some(Primitive::Command(Command::Define)) => define(session, &rune, rex)?,
            Some(Primitive::Command(Command::Enter)) => enter(session, &rex)?,
            Some(Primitive::Command(Command::Filter)) => filter(session, &rune, rex)?,
            Some(Primitive::Command(Command::Assert)) => assert(session, &rune, rex)?,
            Some(Primitive::Command(Command::Import)) => import(session, &rune, rex)?,
            None => return reject(&rex, format!("Unbound rune: {}", name::text(&rune))),
        }
    }
    Ok(())
}

/// An expression: its value is printed.
fn show(session: &mut Session, rex: &Val) -> Result<(), Fault> {
    let expr = expr::read(session, rex)?;
    let value = session.evaluate(&expr)?;
    Ok(session.out.value(session.vm.look(&value))?)
}

/// A node of a command that may be continued by its heir.
struct Link {
    shape: NodeShape,
    sons: Vec<Val>,
    /// The heir, if it is not a link itself.
    heir: Option<Val>,
    /// The heir, if it is another link.
    next: Option<Val>,
}

/// Takes a command apart that may be continued by an heir of the same rune.
fn link(session: &Session, rune: &Natural, rex: &Val) -> Option<Link> {
    let Form::Node { shape, rune: found, sons, heir } = Form::of(&session.vm, rex) else {
        return None;
    };
    if found != *rune {
        return None;
    }
    let is_link = |heir: &Val| match Form::of(&session.vm, heir) {
        Form::Node { rune: below, .. } => below == *rune,
        _ => false,
    };
    Some(match heir {
        Some(heir) if is_link(&heir) => Link { shape, sons, heir: None, next: Some(heir) },
        heir => Link { shape, sons, heir, next: None },
    })
}

/// `=`: definitions.
fn define(session: &mut Session, rune: &Natural, rex: Val) -> Result<(), Fault> {
    let mut next = Some(rex);
    while let Some(rex) = next {
        let Some(link) = link(session, rune, &rex) else { break };
        let parts: Vec<Val> = link.sons.into_iter().chain(link.heir).collect();
        define_one(session, &rex, &parts)?;
        next = link.next;
    }
    Ok(())
}

/// What is to the left of a definition's value.
enum Binder {
    Value(Natural),
    Function(Signature),
}

fn define_one(session: &mut Session, rex: &Val, parts: &[Val]) -> Result<(), Fault> {
    let (key, props, binder, body) = match parts {
        [binder, body] => (None, None, binder, body),
        [key, binder, body] => (Some(key), None, binder, body),
        [key, props, binder, body] => (Some(key), Some(props), binder, body),
        _ => return reject(rex, "Define cmd needs two or three parameters"),
    };
    let key = key.map(|key| read_key(session, key)).transpose()?.unwrap_or_default();
    let props = props.map(|props| expr::read(session, props)).transpose()?;
    let (name, code) = match read_binder(session, binder)? {
        Binder::Value(name) => (name, expr::read(session, body)?),
        Binder::Function(signature) => {
            (signature.tag.clone(), expr::read_lambda(session, signature, body)?)
        }
    };
    bind(session, &key, props, &name, code)
}

fn bind(
    session: &mut Session,
    key: &Natural,
    props: Option<Expr>,
    name: &Natural,
    code: Expr,
) -> Result<(), Fault> {
    let value = session.evaluate(&code)?;
    let props = match props {
        Some(props) => session.evaluate(&props)?,
        None => session.zero.clone(),
    };
    session.define(Definition { key, value: value.clone(), code, name, props })?;
    Ok(session.out.definition(name, session.vm.look(&value))?)
}

fn read_binder(session: &Session, rex: &Val) -> Result<Binder, Fault> {
    let form = Form::of(&session.vm, rex);
    if let Some(name) = form.key() {
        return Ok(Binder::Value(name));
    }
    match read_function(session, form) {
        Some(signature) => Ok(Binder::Function(signature)),
        None => reject(rex, "Bad binder: expected foo (foo bar), (**foo bar), etc"),
    }
}

/// `(f x y)` or `(**f x y)`.
fn read_function(session: &Session, form: Form) -> Option<Signature> {
    let key = |rex: &Val| Form::of(&session.vm, rex).key();
    let (_, kids) = form.kids().filter(|(rune, _)| *rune == name::small("|"))?;
    let (head, args) = kids.split_first()?;
    let (inline, name) = match Form::of(&session.vm, head) {
        Form::Node { rune, sons, heir: None, .. } if rune == name::small("**") => match &sons[..] {
            [name] => (true, key(name)?),
            _ => return None,
        },
        form => (false, form.key()?),
    };
    let args = args.iter().map(key).collect::<Option<Vec<_>>>()?;
    Some(Signature { pinned: true, inline, tag: name.clone(), this: Some(name), args })
}

/// `####`: begins a module.
fn enter(session: &mut Session, rex: &Val) -> Result<(), Fault> {
    const EXPECTED: &str = "Expected something like (#### foo) or (#### foo <- bar)";
    let kids = Form::of(&session.vm, rex).kids().map_or_else(Vec::new, |(_, kids)| kids);
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
    Ok(session.state.switch(&mut session.vm, target)?)
}

/// The name in `<- name`.
pub(crate) fn predecessor(session: &Session, rex: &Val) -> Option<Val> {
    match Form::of(&session.vm, rex) {
        Form::Node { rune, mut sons, heir: None, .. } if rune == name::small("<-") => {
            sons.pop().filter(|_| sons.is_empty())
        }
        _ => None,
    }
}

/// `^-^`: drops all names but these.
fn filter(session: &mut Session, rune: &Natural, rex: Val) -> Result<(), Fault> {
    let mut names = BTreeSet::new();
    let mut next = Some(rex);
    while let Some(rex) = next {
        let Some(link) = link(session, rune, &rex) else {
            return reject(&rex, "Bad export-filter syntax");
        };
        for son in &link.sons {
            names.insert(read_key(session, son)?);
        }
        next = link.next.or(link.heir);
    }
    let Err(Missing(missing)) = session.state.filter(&names) else { return Ok(()) };
    let Session { vm, syntax, .. } = session;
    let problem = syntax.word(vm, "logic error")?;
    let names: Vec<String> = missing.iter().map(output::key).collect();
    reject(&problem, format!("filter for non-existing keys: {}", names.join(", ")))
}

/// `:|`: takes names from other modules.
fn import(session: &mut Session, rune: &Natural, block: Val) -> Result<(), Fault> {
    const BAD: &str = "Bad import syntax";
    let mut next = Some(block.clone());
    while let Some(rex) = next {
        let Some(link) = link(session, rune, &rex) else { return reject(&rex, BAD) };
        let (module, names) = match &link.sons[..] {
            [module] => (module, None),
            [module, names] => match Form::of(&session.vm, names) {
                Form::Node { rune, sons, heir: None, .. } if rune == name::small(",") => {
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
        next = link.next.or(link.heir);
    }
    Ok(())
}

/// Takes all names, or some, from a module.
pub(crate) fn import_module(
    session: &mut Session,
    block: &Val,
    module: &Natural,
    names: Option<&BTreeSet<Natural>>,
) -> Result<(), Fault> {
    let Session { vm, binds, state, .. } = session;
    match state.import(vm, binds, module, names) {
        Ok(()) => Ok(()),
        Err(ImportError::Malformed(malformed)) => Err(malformed.into()),
        Err(ImportError::NotLoaded) => {
            let module = output::key(module);
            reject(block, format!("Module not loaded: {module}"))
        }
        Err(ImportError::Missing(Missing(names))) => {
            let names: Vec<String> = names.iter().map(output::key).collect();
            reject(block, format!("imported symbols do not exist: {names:?}"))
        }
    }
}

/// `=?=`: fails unless two values are equal.
fn assert(session: &mut Session, rune: &Natural, rex: Val) -> Result<(), Fault> {
    let mut next = Some(rex);
    while let Some(rex) = next {
        let Some(link) = link(session, rune, &rex) else { break };
        let rune_text = name::text(rune);
        let single = match link.next {
            Some(_) => {
                let Session { vm, syntax, .. } = &mut *session;
                syntax.node(vm, link.shape, &rune_text, &link.sons, None)?
            }
            None => rex,
        };
        session.out.value(session.vm.look(&single))?;
        let parts: Vec<Val> = link.sons.into_iter().chain(link.heir).collect();
        let [left, right] = &parts[..] else {
            return reject(&single, format!("{rune_text} expects two parameters"));
        };
        let left = expr::read(session, left)?;
        let right = expr::read(session, right)?;
        let left = session.evaluate(&left)?;
        let right = session.evaluate(&right)?;
        if !session.vm.look(&left).is_equal(session.vm.look(&right)) {
            let problem = difference(session, &left, &right)?;
            return reject(&problem, "ASSERTION FAILURE");
        }
        next = link.next;
    }
    Ok(())
}

/// `=?=` over two values as they print.
fn difference(session: &mut Session, left: &Val, right: &Val) -> Result<Val, Fault> {
    let Session { vm, syntax, .. } = session;
    let left = syntax.noun(vm, &output::rex(vm.look(left)))?;
    let right = syntax.noun(vm, &output::rex(vm.look(right)))?;
    let right = syntax.node(vm, NodeShape::Open, "*", &[right], None)?;
    let left = syntax.node(vm, NodeShape::Open, "*", &[left], Some(&right))?;
    Ok(syntax.node(vm, NodeShape::Open, "=?=", &[], Some(&left))?)
}
