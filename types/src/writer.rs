//! [`TypeWriter`]: types as text, for messages and for the reference.
//!
//! A type variable is written as `a`, `b`, .. in the order of first occurrence. A type that is the
//! body of an alias is written as the alias, so the reader sees the name that the library's author
//! chose. Aliases of fewer than [`FOLDED_SIZE_MIN`] nodes are not written: the same small type can
//! be meant without the alias.

use crate::name::{TypeDeclaration, TypeName, TypeNames};
use crate::scheme::{Head, RowRequirement, Scheme, TYPE_SIZE_MAX, Type};
use crate::table::{TypeId, TypeNode, TypeTable};
use foldhash::{HashMap, HashMapExt};
use std::fmt::Write as _;

/// The minimum number of nodes of an alias that is written in place of its body.
const FOLDED_SIZE_MIN: usize = 4;

/// The number of nodes of a type that a message shows.
const MESSAGE_SIZE_MAX: usize = 60;

/// How tightly the context binds, from the outside in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Precedence {
    /// A function needs no parentheses.
    Function,
    /// The argument of a function: a function needs parentheses.
    Argument,
    /// The parameter of a named type: whatever has parts needs parentheses.
    Parameter,
}

/// An alias whose body is written as the alias.
struct FoldedAlias<'n> {
    name: &'n str,
    parameters: usize,
    body: &'n Type,
}

/// The row literals of a type: the variable that stands for each, and the types of its items.
pub(crate) type RowLiterals = Vec<(TypeId, Box<[TypeId]>)>;

/// Writes the types of one message. A variable has the same name in all of them.
pub(crate) struct TypeWriter<'t, 'n> {
    table: &'t mut TypeTable<'n>,
    literals: RowLiterals,
    /// The names of the declared type's variables.
    rigid_names: &'t [String],
    named: HashMap<TypeId, String>,
    aliases: Vec<FoldedAlias<'n>>,
    /// The number of nodes of a type that are written.
    size_max: usize,
}

impl<'t, 'n> TypeWriter<'t, 'n> {
    /// Makes a writer for a message, which shows the first nodes of a large type.
    pub(crate) fn new(
        table: &'t mut TypeTable<'n>,
        literals: RowLiterals,
        rigid_names: &'t [String],
    ) -> TypeWriter<'t, 'n> {
        let aliases = folded_aliases(table.names());
        let (named, size_max) = (HashMap::new(), MESSAGE_SIZE_MAX);
        TypeWriter { table, literals, rigid_names, named, aliases, size_max }
    }

    /// Returns the text of a type.
    pub(crate) fn text(&mut self, ty: TypeId) -> String {
        let (mut text, mut left) = (String::new(), self.size_max);
        self.write(ty, Precedence::Function, &mut text, &mut left);
        text
    }

    /// Recurses at most `size_max` times.
    fn write(&mut self, ty: TypeId, precedence: Precedence, text: &mut String, left: &mut usize) {
        if *left == 0 {
            text.push_str("..");
            return;
        }
        *left -= 1;
        let id = self.table.find(ty);
        if let Some((alias, parameters)) = self.alias_of(id) {
            self.write_named(alias, &parameters, precedence, text, left);
            return;
        }
        match self.table.node(id).clone() {
            TypeNode::Rigid(index) => match self.rigid_names.get(index as usize) {
                Some(name) => text.push_str(name),
                None => text.push('?'),
            },
            TypeNode::Apply(Head::Tuple, items) => self.write_tuple(&items, text, left),
            TypeNode::Apply(Head::Function, parts) => {
                let in_parentheses = precedence > Precedence::Function;
                if in_parentheses {
                    text.push('(');
                }
                self.write(parts[0], Precedence::Argument, text, left);
                text.push_str(" > ");
                self.write(parts[1], Precedence::Function, text, left);
                if in_parentheses {
                    text.push(')');
                }
            }
            TypeNode::Apply(Head::Named(name), parameters) => {
                let name = &self.table.names().get(name).name;
                self.write_named(name, &parameters, precedence, text, left);
            }
            TypeNode::Variable(_) | TypeNode::Link(_) => match self.literal_of(id) {
                Some(items) => self.write_tuple(&items, text, left),
                None => text.push_str(&self.variable_name(id)),
            },
        }
    }

    fn write_named(
        &mut self,
        name: &str,
        parameters: &[TypeId],
        precedence: Precedence,
        text: &mut String,
        left: &mut usize,
    ) {
        let in_parentheses = precedence == Precedence::Parameter && !parameters.is_empty();
        if in_parentheses {
            text.push('(');
        }
        text.push_str(name);
        for parameter in parameters {
            text.push(' ');
            self.write(*parameter, Precedence::Parameter, text, left);
        }
        if in_parentheses {
            text.push(')');
        }
    }

    fn write_tuple(&mut self, items: &[TypeId], text: &mut String, left: &mut usize) {
        text.push('[');
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                text.push(' ');
            }
            self.write(*item, Precedence::Parameter, text, left);
        }
        text.push(']');
    }

    /// Returns the alias whose body a type is, and the types of its parameters.
    fn alias_of(&mut self, ty: TypeId) -> Option<(&'n str, Vec<TypeId>)> {
        let table = &mut *self.table;
        self.aliases.iter().find_map(|alias| {
            let mut parameters = vec![None; alias.parameters];
            let is_match = table.matches(ty, alias.body, &mut parameters);
            let parameters: Option<Vec<TypeId>> = parameters.into_iter().collect();
            Some((alias.name, parameters?)).filter(|_| is_match)
        })
    }

    /// Returns the items of the row literal that has this variable as its type.
    fn literal_of(&mut self, variable: TypeId) -> Option<Box<[TypeId]>> {
        let table = &mut *self.table;
        let literal = self.literals.iter().find(|(row, _)| table.find(*row) == variable);
        literal.map(|(_, items)| items.clone())
    }

    fn variable_name(&mut self, variable: TypeId) -> String {
        if let Some(name) = self.named.get(&variable) {
            return name.clone();
        }
        let taken = |name: &String| self.rigid_names.contains(name);
        let used = self.named.len();
        let mut names = (0..).map(variable_name).filter(|name| !taken(name));
        let name = names.nth(used).unwrap_or_default();
        self.named.insert(variable, name.clone());
        name
    }
}

impl Scheme {
    /// Returns the type as text, such as `(a > b) > Row a > Row b`.
    pub fn text(&self, names: &TypeNames) -> String {
        let mut table = TypeTable::new(names);
        let variables: Vec<TypeId> = self.variables.iter().map(|_| table.variable(0)).collect();
        let body = table.instantiate(&self.body, &variables);
        let requirements: Vec<RowRequirement<TypeId>> = (self.requirements.iter())
            .map(|requirement| requirement.map(|ty| table.instantiate(ty, &variables)))
            .collect();
        let named = variables.into_iter().zip(self.variables.iter().cloned()).collect();
        let literals = row_literals(&requirements);
        let mut writer = TypeWriter::new(&mut table, literals, &[]);
        (writer.named, writer.size_max) = (named, TYPE_SIZE_MAX);
        let mut text = writer.text(body);
        for requirement in &requirements {
            if let RowRequirement::Item { row, index, item } = requirement {
                let (row, item) = (writer.text(*row), writer.text(*item));
                let _ = write!(text, ", where item {index} of {row} is {item}");
            }
        }
        text
    }
}

/// Returns the row literals among requirements.
pub(crate) fn row_literals<'r>(
    requirements: impl IntoIterator<Item = &'r RowRequirement<TypeId>>,
) -> RowLiterals {
    let literal = |requirement: &RowRequirement<TypeId>| match requirement {
        RowRequirement::Literal { row, items } => Some((*row, items.clone())),
        RowRequirement::Item { .. } => None,
    };
    requirements.into_iter().filter_map(literal).collect()
}

/// Returns the name of the type variable with this index: `a`, `b` .. `z`, `a1` ..
pub(crate) fn variable_name(index: usize) -> String {
    let letter = char::from(b'a' + (index % 26) as u8);
    match index / 26 {
        0 => letter.to_string(),
        round => format!("{letter}{round}"),
    }
}

/// Returns the aliases that are written in place of their bodies, those with the largest bodies
/// first.
fn folded_aliases(names: &TypeNames) -> Vec<FoldedAlias<'_>> {
    let folded = |declared: TypeName| {
        let declared = names.get(declared);
        let TypeDeclaration::Alias(body) = &declared.declaration else { return None };
        let alias = FoldedAlias { name: &declared.name, parameters: declared.parameters, body };
        (body.size() >= FOLDED_SIZE_MIN && has_named(body)).then_some(alias)
    };
    let mut aliases: Vec<FoldedAlias<'_>> = names.in_scope().filter_map(folded).collect();
    aliases.sort_by_key(|alias| (std::cmp::Reverse(alias.body.size()), alias.name));
    aliases
}

/// Returns whether a type has a named type in it.
fn has_named(ty: &Type) -> bool {
    match ty {
        Type::Variable(_) => false,
        Type::Apply(Head::Named(_), _) => true,
        Type::Apply(_, args) => args.iter().any(has_named),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_that_is_the_body_of_an_alias_is_written_as_the_alias() {
        let mut names = TypeNames::default();
        let named = Type::named;
        let pair = |a, b| Type::Apply(Head::Tuple, [a, b].into());
        // alias (Reader a) (Bar > [a Nat]), and two that are too small or have no named type.
        let reader = |item| Type::function(named(TypeName::BAR), pair(item, named(TypeName::NAT)));
        names.declare("Reader", 1, TypeDeclaration::Alias(reader(Type::Variable(0))));
        names.declare("Key", 0, TypeDeclaration::Alias(named(TypeName::NAT)));
        let twice = pair(Type::Variable(0), pair(Type::Variable(0), Type::Variable(1)));
        names.declare("Twice", 2, TypeDeclaration::Alias(twice.clone()));
        let text = |variables: &[&str], body: Type| {
            let variables = variables.iter().map(|name| (*name).to_owned()).collect();
            Scheme { variables, requirements: Vec::new(), body }.text(&names)
        };
        let list = Type::Apply(Head::Named(TypeName::LIST), [reader(Type::Variable(0))].into());
        let body = Type::function(reader(named(TypeName::STR)), list);
        assert_eq!(text(&["a"], body), "Reader Str > List (Reader a)");
        assert_eq!(text(&["a", "b"], twice), "[a [a b]]");
        assert_eq!(text(&[], named(TypeName::NAT)), "Nat");
    }
}
