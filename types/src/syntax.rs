//! Types as text: reads them from Rex trees.
//!
//! ```text
//! Type := Name               a type without parameters
//!       | name               a type variable
//!       | (Name Type ..)     a type with parameters; also Name-Type
//!       | (Type > Type ..)   a function; also (Type -> Type)
//!       | [Type ..]          a tuple; also (Type, Type)
//!       | ()                 the unit, which is the nat 0
//!
//! > Type > Type ..           the type of the definition below it, on one line or several
//! ```

use crate::name::{TypeDeclaration, TypeNames};
use crate::scheme::{Head, Scheme, TYPE_SIZE_MAX, Type};
use rex::{LeafKind, NodeShape, Rex, SourceSpan};

/// The maximum depth of a type in the source.
const DEPTH_MAX: usize = 100;

/// Why a type could not be read.
#[derive(Clone, Debug)]
pub struct TypeSyntaxError {
    /// The wrong part.
    pub span: SourceSpan,
    /// What is wrong with it.
    pub message: String,
}

/// The variables of a type that is being read.
pub(crate) struct TypeReader<'a> {
    names: &'a TypeNames,
    variables: Vec<String>,
    /// Whether a variable that is not declared is an error.
    is_closed: bool,
}

/// Reads a type from an expression. Its variables are quantified.
///
/// # Errors
///
/// If the tree is no type, or names a type that is not declared.
pub fn read_type(names: &TypeNames, rex: &Rex) -> Result<Scheme, TypeSyntaxError> {
    let mut reader = TypeReader { names, variables: Vec::new(), is_closed: false };
    let body = reader.read(rex, 0)?;
    reader.finish(rex, body)
}

/// Reads the type above a definition: a chain of `>` nodes, whose last heir is the definition.
///
/// # Errors
///
/// Those of [`read_type`].
pub fn read_annotation(names: &TypeNames, rex: &Rex) -> Result<Scheme, TypeSyntaxError> {
    let mut reader = TypeReader { names, variables: Vec::new(), is_closed: false };
    let mut parts = Vec::new();
    reader.read_annotation(rex, &mut parts, true)?;
    let body = function_of(rex, parts)?;
    reader.finish(rex, body)
}

impl<'a> TypeReader<'a> {
    /// Makes a reader of types over these variables only.
    pub(crate) fn over(names: &'a TypeNames, variables: Vec<String>) -> TypeReader<'a> {
        TypeReader { names, variables, is_closed: true }
    }

    fn finish(self, rex: &Rex, body: Type) -> Result<Scheme, TypeSyntaxError> {
        if body.size() > TYPE_SIZE_MAX {
            return wrong(rex, "this type is too large");
        }
        Ok(Scheme { variables: self.variables, requirements: Vec::new(), body })
    }

    /// Reads the types of a chain of `>` nodes, such as `> Nat > Nat` and a `>` node below it.
    fn read_annotation(
        &mut self,
        rex: &Rex,
        parts: &mut Vec<Type>,
        is_chain: bool,
    ) -> Result<(), TypeSyntaxError> {
        let mut next = Some(rex);
        while let Some(rex) = next {
            let sons = match rex {
                Rex::Node { rune, sons, .. } if rune == ">" => sons,
                _ if is_chain && !parts.is_empty() => return Ok(()),
                _ => return wrong(rex, "expected a type, as in > Nat > Nat"),
            };
            next = rex.heir();
            let (own, nested) = match sons.split_last() {
                Some((last, own)) if is_annotation(last) => (own, Some(last)),
                _ => (&sons[..], None),
            };
            match own {
                [] => return wrong(rex, "expected a type after >"),
                [one] => parts.push(self.read(one, 0)?),
                [name, parameters @ ..] => parts.push(self.read_named(rex, name, parameters, 0)?),
            }
            if let Some(nested) = nested {
                self.read_annotation(nested, parts, false)?;
            }
            if parts.len() > TYPE_SIZE_MAX {
                return wrong(rex, "this type is too large");
            }
        }
        Ok(())
    }

    /// Reads a type from an expression at this depth.
    pub(crate) fn read(&mut self, rex: &Rex, depth: usize) -> Result<Type, TypeSyntaxError> {
        if depth > DEPTH_MAX {
            return wrong(rex, "this type is nested too deeply");
        }
        match rex {
            Rex::Leaf { leaf: LeafKind::Word, text, heir: None, .. } => {
                self.read_name(rex, text, &[], depth)
            }
            Rex::Node { rune, sons, heir, .. } => {
                let kids: Vec<&Rex> = sons.iter().chain(heir.as_deref()).collect();
                match (rune.as_str(), &kids[..]) {
                    ("|", []) => self.read_name(rex, "Unit", &[], depth),
                    ("|", [one]) => self.read(one, depth + 1),
                    ("|" | "-", [name, parameters @ ..]) => {
                        let parameters: Vec<Rex> =
                            parameters.iter().map(|rex| (*rex).clone()).collect();
                        self.read_named(rex, name, &parameters, depth)
                    }
                    (">", _) if is_annotation(rex) => {
                        let mut parts = Vec::new();
                        self.read_annotation(rex, &mut parts, false)?;
                        function_of(rex, parts)
                    }
                    (">" | "->", [_, _, ..]) => {
                        let parts = self.read_all(&kids, depth)?;
                        function_of(rex, parts)
                    }
                    (",", []) => self.read_name(rex, "Unit", &[], depth),
                    (",", [_]) => wrong(rex, "write (Row a) for a row of any length"),
                    (",", _) => {
                        let items = self.read_all(&kids, depth)?;
                        Ok(Type::Apply(Head::Tuple, items.into()))
                    }
                    _ => wrong(rex, format!("the rune {rune} has no meaning in a type")),
                }
            }
            _ => wrong(rex, "expected a type, such as Nat, (Row a) or (a > b)"),
        }
    }

    fn read_all(&mut self, kids: &[&Rex], depth: usize) -> Result<Vec<Type>, TypeSyntaxError> {
        kids.iter().map(|kid| self.read(kid, depth + 1)).collect()
    }

    fn read_named(
        &mut self,
        rex: &Rex,
        name: &Rex,
        parameters: &[Rex],
        depth: usize,
    ) -> Result<Type, TypeSyntaxError> {
        match name {
            Rex::Leaf { leaf: LeafKind::Word, text, heir: None, .. } => {
                let parameters: Vec<&Rex> = parameters.iter().collect();
                self.read_name(rex, text, &parameters, depth)
            }
            _ => wrong(rex, "expected the name of a type and its parameters"),
        }
    }

    fn read_name(
        &mut self,
        rex: &Rex,
        text: &str,
        parameters: &[&Rex],
        depth: usize,
    ) -> Result<Type, TypeSyntaxError> {
        if !text.starts_with(|c: char| c.is_ascii_uppercase()) {
            if !parameters.is_empty() {
                return wrong(rex, format!("`{text}` is a type variable and has no parameters"));
            }
            return self.read_variable(rex, text);
        }
        let Some(name) = self.names.find(text) else {
            return wrong(rex, format!("there is no type `{text}`"));
        };
        let declared = self.names.get(name);
        if declared.parameters != parameters.len() {
            let (expected, found) = (declared.parameters, parameters.len());
            return wrong(rex, format!("`{text}` has {expected} parameters, not {found}"));
        }
        let parameters = self.read_all(parameters, depth)?;
        match &declared.declaration {
            TypeDeclaration::Alias(body) => {
                let expanded = body.substitute(&parameters);
                match expanded.size() > TYPE_SIZE_MAX {
                    true => wrong(rex, "this type is too large"),
                    false => Ok(expanded),
                }
            }
            _ => Ok(Type::Apply(Head::Named(name), parameters.into())),
        }
    }

    fn read_variable(&mut self, rex: &Rex, name: &str) -> Result<Type, TypeSyntaxError> {
        if let Some(index) = self.variables.iter().position(|known| known == name) {
            return Ok(Type::Variable(index as u32));
        }
        if self.is_closed {
            return wrong(rex, format!("`{name}` is not a parameter of the type"));
        }
        self.variables.push(name.to_owned());
        Ok(Type::Variable(self.variables.len() as u32 - 1))
    }
}

/// Returns whether a tree is a part of an annotation, such as `> Nat`.
fn is_annotation(rex: &Rex) -> bool {
    let is_shape = |shape: &NodeShape| matches!(shape, NodeShape::Open | NodeShape::Nest);
    matches!(rex, Rex::Node { shape, rune, .. } if rune == ">" && is_shape(shape))
}

/// Makes the type of a function of all parts but the last.
fn function_of(rex: &Rex, mut parts: Vec<Type>) -> Result<Type, TypeSyntaxError> {
    let Some(result) = parts.pop() else { return wrong(rex, "expected a type") };
    Ok(parts.into_iter().rev().fold(result, |result, part| Type::function(part, result)))
}

/// Reads the left side of a type declaration: `Name` or `(Name a b)`.
pub(crate) fn read_signature(rex: &Rex) -> Result<(String, Vec<String>), TypeSyntaxError> {
    const EXPECTED: &str = "expected the name of a type and its parameters, as in (Pair a b)";
    let word = |rex: &Rex| match rex {
        Rex::Leaf { leaf: LeafKind::Word, text, heir: None, .. } => Ok(text.clone()),
        rex => wrong(rex, EXPECTED),
    };
    let (name, parameters) = match rex {
        Rex::Node { rune, sons, heir: None, .. } if rune == "|" => {
            let Some((name, parameters)) = sons.split_first() else { return wrong(rex, EXPECTED) };
            (word(name)?, parameters.iter().map(word).collect::<Result<Vec<_>, _>>()?)
        }
        rex => (word(rex)?, Vec::new()),
    };
    if !name.starts_with(|c: char| c.is_ascii_uppercase()) {
        return wrong(rex, "the name of a type begins with a capital letter");
    }
    if let Some(bad) = parameters.iter().find(|name| !name.starts_with(char::is_lowercase)) {
        return wrong(rex, format!("the parameter `{bad}` begins with a capital letter"));
    }
    Ok((name, parameters))
}

pub(crate) fn wrong<T>(rex: &Rex, message: impl Into<String>) -> Result<T, TypeSyntaxError> {
    Err(TypeSyntaxError { span: rex.span(), message: message.into() })
}
