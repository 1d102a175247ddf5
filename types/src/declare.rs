//! Declarations of types: `#record`, `#datatype`, `#typedef` and `#abstype`.
//!
//! Sire's macros of these names define the constructors and the functions of the fields. This
//! module reads the same source for the types, and says which types those names have.
//!
//! ```text
//! # record (Pair a b)          # datatype (Shape a)       # typedef (Key a) Nat
//! | PAIR fst:a snd:b           * POINT                    # abstype (Queue a)
//!                              * CIRCLE radius:Nat
//! ```

use crate::name::{DataConstructor, TypeDeclaration, TypeName, TypeNames};
use crate::scheme::{Head, Scheme, Type};
use crate::syntax::{TypeReader, TypeSyntaxError, read_signature, wrong};
use rex::{LeafKind, Rex};

/// A name that a declaration defines, with its type.
pub type DeclaredName = (String, Scheme);

/// A command that declares a type.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TypeCommand {
    /// A type with one constructor and functions of its fields.
    Record,
    /// A type with several constructors.
    Datatype,
    /// Another name for a type.
    Alias,
    /// A type without constructors.
    Abstract,
}

impl TypeCommand {
    /// Returns the command of a tree such as `# record ..`.
    pub fn of(rex: &Rex) -> Option<TypeCommand> {
        let Rex::Node { rune, sons, .. } = rex else { return None };
        let Rex::Leaf { leaf: LeafKind::Word, text, .. } = sons.first()? else { return None };
        match (rune.as_str(), text.as_str()) {
            ("#", "record") => Some(TypeCommand::Record),
            ("#", "datatype") => Some(TypeCommand::Datatype),
            ("#", "typedef") => Some(TypeCommand::Alias),
            ("#", "abstype") => Some(TypeCommand::Abstract),
            _ => None,
        }
    }
}

/// Declares the type of a tree such as `# record ..`, and returns the names that its macro defines,
/// with their types. Returns `None` for any other tree.
///
/// # Errors
///
/// If the declaration is malformed, or names a type that is not declared.
pub fn read_type_command(
    names: &mut TypeNames,
    rex: &Rex,
) -> Result<Option<Vec<DeclaredName>>, TypeSyntaxError> {
    let Some(command) = TypeCommand::of(rex) else { return Ok(None) };
    let kids: Vec<&Rex> = rex.sons().iter().chain(rex.heir()).skip(1).collect();
    let declared = match (command, &kids[..]) {
        (TypeCommand::Abstract, [signature]) => {
            let (name, parameters) = read_signature(signature)?;
            names.declare(&name, parameters.len(), TypeDeclaration::Abstract);
            Vec::new()
        }
        (TypeCommand::Alias, [signature, body]) => {
            let (name, parameters) = read_signature(signature)?;
            let count = parameters.len();
            let body = TypeReader::over(names, parameters).read(body, 0)?;
            names.declare(&name, count, TypeDeclaration::Alias(body));
            Vec::new()
        }
        (TypeCommand::Record, [signature, constructor]) => {
            declare_record(names, signature, constructor)?
        }
        (TypeCommand::Datatype, [signature, arms]) => declare_datatype(names, signature, arms)?,
        _ => return wrong(rex, "expected the name of a type and what it is"),
    };
    Ok(Some(declared))
}

/// The parts of a constructor in the source.
struct ConstructorSource<'r> {
    name: String,
    tag: Option<u64>,
    fields: Vec<(String, &'r Rex)>,
}

fn declare_record(
    names: &mut TypeNames,
    signature: &Rex,
    constructor: &Rex,
) -> Result<Vec<DeclaredName>, TypeSyntaxError> {
    let (name, parameters) = read_signature(signature)?;
    let source = read_constructor(constructor)?;
    let id = names.declare(&name, parameters.len(), TypeDeclaration::Abstract);
    let fields = read_fields(names, &parameters, &source)?;
    let record = datatype(id, parameters.len());
    let scheme = |body| Scheme { variables: parameters.clone(), requirements: Vec::new(), body };
    let mut declared = vec![(source.name.clone(), scheme(constructor_type(&fields, &record)))];
    for ((field, _), ty) in source.fields.iter().zip(&fields) {
        let capitalised = capitalise(field);
        let (get, set) = (
            Type::function(record.clone(), ty.clone()),
            Type::function(ty.clone(), Type::function(record.clone(), record.clone())),
        );
        let change = Type::function(
            Type::function(ty.clone(), ty.clone()),
            Type::function(record.clone(), record.clone()),
        );
        declared.push((format!("get{capitalised}"), scheme(get)));
        declared.push((format!("set{capitalised}"), scheme(set)));
        declared.push((format!("mod{capitalised}"), scheme(change)));
    }
    let constructor = DataConstructor { name: source.name, tag: 0, fields, has_tag: false };
    names.set_constructors(id, vec![constructor]);
    Ok(declared)
}

fn declare_datatype(
    names: &mut TypeNames,
    signature: &Rex,
    arms: &Rex,
) -> Result<Vec<DeclaredName>, TypeSyntaxError> {
    let (name, parameters) = read_signature(signature)?;
    let id = names.declare(&name, parameters.len(), TypeDeclaration::Abstract);
    let own = datatype(id, parameters.len());
    let (mut constructors, mut declared) = (Vec::new(), Vec::new());
    let mut next = Some(arms);
    while let Some(arm) = next {
        let source = match arm {
            Rex::Node { rune, .. } if rune == "*" => read_arm(arm)?,
            _ => return wrong(arm, "expected a constructor, as in * CONS first:a rest:(List a)"),
        };
        let fields = read_fields(names, &parameters, &source)?;
        let body = constructor_type(&fields, &own);
        let variables = parameters.clone();
        declared.push((source.name.clone(), Scheme { variables, requirements: Vec::new(), body }));
        let tag = source.tag.unwrap_or(constructors.len() as u64);
        constructors.push(DataConstructor { name: source.name, tag, fields, has_tag: true });
        next = arm.heir();
    }
    names.set_constructors(id, constructors);
    Ok(declared)
}

fn datatype(id: TypeName, parameters: usize) -> Type {
    let parameters = (0..parameters as u32).map(Type::Variable).collect();
    Type::Apply(Head::Named(id), parameters)
}

fn constructor_type(fields: &[Type], result: &Type) -> Type {
    fields.iter().rev().fold(result.clone(), |result, field| Type::function(field.clone(), result))
}

fn read_fields(
    names: &TypeNames,
    parameters: &[String],
    source: &ConstructorSource<'_>,
) -> Result<Vec<Type>, TypeSyntaxError> {
    let mut reader = TypeReader::over(names, parameters.to_vec());
    source.fields.iter().map(|(_, ty)| reader.read(ty, 0)).collect()
}

/// Reads the constructor of a record: `NAME`, `| NAME field:Type ..`, or a chain of lines
/// `* field : Type` below `| NAME`.
fn read_constructor(rex: &Rex) -> Result<ConstructorSource<'_>, TypeSyntaxError> {
    match rex {
        Rex::Node { rune, .. } if rune == "|" => read_arm(rex),
        rex => {
            let (name, tag) = read_constructor_name(rex)?;
            Ok(ConstructorSource { name, tag, fields: Vec::new() })
        }
    }
}

/// Reads the sons of a node: a constructor and its fields.
fn read_arm(rex: &Rex) -> Result<ConstructorSource<'_>, TypeSyntaxError> {
    const EXPECTED: &str = "expected a constructor and its fields, as in CONS first:a";
    let is_arm = matches!(rex, Rex::Node { rune, .. } if rune == "*");
    // Below `| NAME` the heir is the first field. Below `* NAME` it is the next constructor.
    let heir = rex.heir().filter(|_| !is_arm);
    let kids: Vec<&Rex> = rex.sons().iter().chain(heir).collect();
    let Some((first, fields)) = kids.split_first() else { return wrong(rex, EXPECTED) };
    let (name, tag) = read_constructor_name(first)?;
    let mut read = Vec::new();
    for field in fields {
        match field {
            Rex::Node { rune, .. } if rune == "*" => {
                let mut next = Some(*field);
                while let Some(line) = next {
                    read.push(match line.sons() {
                        [field] => read_field(field)?,
                        [field, ty] => (word(field)?, type_after_colon(ty)),
                        _ => return wrong(line, "expected a field, as in * name : Type"),
                    });
                    next = line.heir();
                }
            }
            field => read.push(read_field(field)?),
        }
    }
    Ok(ConstructorSource { name, tag, fields: read })
}

/// Reads `NAME` or `NAME=tag`.
fn read_constructor_name(rex: &Rex) -> Result<(String, Option<u64>), TypeSyntaxError> {
    match rex {
        Rex::Node { rune, sons, heir: None, .. } if rune == "=" && sons.len() == 2 => {
            Ok((word(&sons[0])?, Some(tag_nat(&word(&sons[1])?))))
        }
        rex => Ok((word(rex)?, None)),
    }
}

/// Returns the nat of a tag: a number, or the text of a word of at most eight bytes.
fn tag_nat(text: &str) -> u64 {
    text.parse().unwrap_or_else(|_| {
        let mut bytes = [0; 8];
        let length = text.len().min(8);
        bytes[..length].copy_from_slice(&text.as_bytes()[..length]);
        u64::from_le_bytes(bytes)
    })
}

fn read_field(rex: &Rex) -> Result<(String, &Rex), TypeSyntaxError> {
    match rex {
        Rex::Node { rune, sons, heir: None, .. } if rune == ":" && sons.len() == 2 => {
            Ok((word(&sons[0])?, &sons[1]))
        }
        _ => wrong(rex, "expected a field and its type, as in name:Type"),
    }
}

/// Returns the type of a line such as `* name : Type`, in which `:` begins a node of its own.
fn type_after_colon(rex: &Rex) -> &Rex {
    match rex {
        Rex::Node { rune, sons, heir: None, .. } if rune == ":" && sons.len() == 1 => &sons[0],
        rex => rex,
    }
}

fn word(rex: &Rex) -> Result<String, TypeSyntaxError> {
    match rex {
        Rex::Leaf { leaf: LeafKind::Word | LeafKind::Text, text, .. } => Ok(text.clone()),
        rex => wrong(rex, "expected a name"),
    }
}

fn capitalise(name: &str) -> String {
    let mut chars = name.chars();
    let first = chars.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(chars).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::read_type;

    fn rex(text: &str) -> Rex {
        rex::read_file(text, "test").next().expect("a block").expect("it is well-formed").rex
    }

    fn declare(names: &mut TypeNames, text: &str) -> Vec<(String, String)> {
        let declared = read_type_command(names, &rex(text)).expect("it is right").expect("a type");
        declared.into_iter().map(|(name, scheme)| (name, scheme.text(names))).collect()
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected.iter().map(|(name, ty)| ((*name).to_owned(), (*ty).to_owned())).collect()
    }

    #[test]
    fn types_print_as_they_are_written() {
        let names = TypeNames::default();
        for text in [
            "Nat",
            "a > a",
            "(a > b) > Row a > Row b",
            "Tab k (List v) > Maybe [k v]",
            "[(Row a) (Row a)]",
            "Nat > (Nat > a) > Row a",
        ] {
            let scheme = read_type(&names, &rex(&format!("({text})"))).expect(text);
            assert_eq!(scheme.text(&names), text);
        }
        for text in ["(Nat Nat)", "(Row)", "[a]", "(a b)", "Foo", "{x}"] {
            assert!(read_type(&names, &rex(text)).is_err(), "{text}");
        }
    }

    #[test]
    fn a_record_declares_its_constructor_and_the_functions_of_its_fields() {
        let mut names = TypeNames::default();
        let want = pairs(&[
            ("PAIR", "a > b > Pair a b"),
            ("getFst", "Pair a b > a"),
            ("setFst", "a > Pair a b > Pair a b"),
            ("modFst", "(a > a) > Pair a b > Pair a b"),
            ("getSnd", "Pair a b > b"),
            ("setSnd", "b > Pair a b > Pair a b"),
            ("modSnd", "(b > b) > Pair a b > Pair a b"),
        ]);
        assert_eq!(declare(&mut names, "# record (Pair a b)\n| PAIR fst:a snd:b\n"), want);
        let lines = "# record (Pair a b)\n| PAIR\n* fst : a\n* snd : b\n";
        assert_eq!(declare(&mut names, lines), want);
    }

    #[test]
    fn a_datatype_declares_its_constructors() {
        let mut names = TypeNames::default();
        let text = "# datatype (Tree a)\n* LEAF\n* NODE left:(Tree a) item:a right:(Tree a)\n";
        let want = pairs(&[("LEAF", "Tree a"), ("NODE", "Tree a > a > Tree a > Tree a")]);
        assert_eq!(declare(&mut names, text), want);
        let (tree, node) = names.constructor("NODE").expect("it is declared");
        assert_eq!((names.get(tree).name.as_str(), node.tag, node.fields.len()), ("Tree", 1, 3));
        let bad = read_type_command(&mut names, &rex("# datatype Bad\n* BAD x:b\n"));
        assert!(bad.is_err());
    }

    #[test]
    fn a_typedef_is_another_name() {
        let mut names = TypeNames::default();
        assert_eq!(declare(&mut names, "# typedef (Pairs k v) (Row [k v])\n"), pairs(&[]));
        let scheme_of = |text| read_type(&names, &rex(text)).expect("a type");
        let scheme = scheme_of("(Pairs Nat a)");
        assert_eq!(scheme, scheme_of("(Row [Nat a])"));
        assert_eq!(scheme.text(&names), "Pairs Nat a");
    }
}
