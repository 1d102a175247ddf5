//! Imports: executes `:|`.
//!
//! ```text
//! :| json                  all names of a module
//! :| json [parse print]    these names
//! :| json as J             no name by itself: `J.parse` refers to `parse` of the module
//! ```
//!
//! A name with a qualifier, `json.parse`, is a form of the prototype: the rune `.` looks a name up
//! in a module that has been loaded. An alias is a further name for that module. It is known in the
//! module that has the import, and in no other.

use crate::chain_node::chain_node;
use crate::command_error::{CommandError, FailedImport, reject};
use crate::modules::ModuleForm;
use crate::nat_text;
use crate::read_expr::read_key;
use crate::rex_value::RexView;
use crate::session::Session;
use crate::state::{ClashRule, ImportError, ImportedNames};
use crate::typing::{CheckMode, TYPED_MODULE};
use plan::{Natural, Val};

/// Executes a chain of imports.
pub(crate) fn import(
    session: &mut Session,
    rune: &Natural,
    block: Val,
) -> Result<(), CommandError> {
    const BAD: &str = "Bad import syntax";
    let mut next = Some(block.clone());
    while let Some(rex) = next {
        let Some(node) = chain_node(session, rune, &rex) else { return reject(&rex, BAD) };
        let (part, form) = match &node.sons[..] {
            [module] => (module, ImportForm::Whole),
            [module, names] => match listed_names(session, names) {
                Some(names) => (module, ImportForm::List(names)),
                None => return reject(&rex, BAD),
            },
            [module, word, alias] if is_as(session, word) => (module, ImportForm::As(alias)),
            _ => return reject(&rex, BAD),
        };
        let module = read_key(session, part)?;
        let mut listed = Vec::new();
        let names = match form {
            ImportForm::Whole => ImportedNames::All,
            ImportForm::List(names) => {
                listed = names;
                let names = listed.iter().map(|name| read_key(session, name));
                ImportedNames::Listed(names.collect::<Result<_, _>>()?)
            }
            ImportForm::As(alias) => ImportedNames::Qualified(read_key(session, alias)?),
        };
        let place = ImportPlace { block: &block, part };
        import_module(session, place, &module, &names)?;
        for part in &listed {
            session.note_name(part, &read_key(session, part)?);
        }
        next = node.next.or(node.heir);
    }
    Ok(())
}

/// The forms of an import.
enum ImportForm<'v> {
    Whole,
    List(Vec<Val>),
    As(&'v Val),
}

/// Returns the parts of `[parse print]`; none for another tree.
fn listed_names(session: &Session, rex: &Val) -> Option<Vec<Val>> {
    match RexView::of(&session.vm, rex) {
        RexView::Node { rune, sons, heir: None, .. } if rune == nat_text::from_short(",") => {
            Some(sons)
        }
        _ => None,
    }
}

fn is_as(session: &Session, rex: &Val) -> bool {
    RexView::of(&session.vm, rex).key().is_some_and(|key| key == nat_text::from_short("as"))
}

/// Where an import is.
#[derive(Clone, Copy)]
pub(crate) struct ImportPlace<'v> {
    /// The whole command, as a Rex value. The prototype's report of an error names it.
    pub(crate) block: &'v Val,
    /// The name of the module in it.
    pub(crate) part: &'v Val,
}

/// Imports a module. Two imports of a standalone module must not clash.
pub(crate) fn import_module(
    session: &mut Session,
    place: ImportPlace<'_>,
    module: &Natural,
    names: &ImportedNames,
) -> Result<(), CommandError> {
    let rule = match session.module_form {
        ModuleForm::Chained => ClashRule::Replace,
        ModuleForm::Standalone => ClashRule::Reject,
    };
    let is_marker = *module == nat_text::from_short(TYPED_MODULE);
    let Session { vm, bindings, state, .. } = session;
    match state.import(vm, bindings, module, names, rule) {
        Ok(()) => {
            if is_marker && session.types.mode() == CheckMode::Off {
                session.types.set_mode(CheckMode::Enforce);
            }
            Ok(())
        }
        Err(ImportError::Malformed(malformed)) => Err(malformed.into()),
        Err(error) => Err(CommandError::Import(FailedImport {
            block: place.block.clone(),
            part: place.part.clone(),
            module: module.clone(),
            error,
        })),
    }
}
