//! Type names: the built-in types, and the types that programs declare.
//!
//! A PLAN nat has many uses, and a type name for each of them documents which one is meant: `Str`,
//! `Bit`, `Char`. All of them are [uses of a nat](TypeDeclaration::Nat): they are equal to each
//! other and to `Nat`, because every function of nats accepts them.

use crate::scheme::{Head, Type};
use cranelift_entity::{PrimaryMap, entity_impl};
use foldhash::HashMap;

/// The name of a type, declared in a [`TypeNames`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TypeName(u32);
entity_impl!(TypeName, "type");

impl TypeName {
    /// `Nat`: a natural number.
    pub const NAT: TypeName = TypeName(0);
    /// `Str`: a nat that is a text.
    pub const STR: TypeName = TypeName(1);
    /// `Any`: a value about which nothing is known.
    pub const ANY: TypeName = TypeName(2);
    /// `Row a`: a row of any length, whose items have one type.
    pub const ROW: TypeName = TypeName(3);
    /// `List a`: nested pairs of an item and the rest, or 0.
    pub const LIST: TypeName = TypeName(4);
    /// `Tab k v`: a table.
    pub const TAB: TypeName = TypeName(5);
    /// `Set k`: a set.
    pub const SET: TypeName = TypeName(6);
    /// `Bar`: a byte string.
    pub const BAR: TypeName = TypeName(7);
    /// `Rex`: a syntax tree.
    pub const REX: TypeName = TypeName(8);
}

/// The built-in types with their numbers of parameters, in the order of the constants above; none
/// for a use of a nat.
const BUILT_IN: [(&str, Option<usize>); 23] = [
    ("Nat", None),
    ("Str", None),
    ("Any", Some(0)),
    ("Row", Some(1)),
    ("List", Some(1)),
    ("Tab", Some(2)),
    ("Set", Some(1)),
    ("Bar", Some(0)),
    ("Rex", Some(0)),
    ("Maybe", Some(1)),
    ("Either", Some(2)),
    ("Pin", Some(1)),
    ("Cow", Some(0)),
    ("Bit", None),
    ("Char", None),
    ("Ordering", None),
    ("Pad", None),
    ("Byte", None),
    ("Word32", None),
    ("Word64", None),
    ("Int32", None),
    ("Int64", None),
    ("Unit", None),
];

/// A constructor of a datatype.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataConstructor {
    /// Its name.
    pub name: String,
    /// The nat that the datatype's tag function returns for its values.
    pub tag: u64,
    /// The types of its fields, over the parameters of the datatype.
    pub fields: Vec<Type>,
    /// Whether the tag is the first item of the row of fields.
    pub has_tag: bool,
}

/// How a type name is declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TypeDeclaration {
    /// A use of a nat.
    Nat,
    /// A type of its own, whose values are made and used by functions with declared types.
    Abstract,
    /// A datatype or record. The constructors are added after the name is declared, because their
    /// fields can have the type itself.
    Datatype(Vec<DataConstructor>),
    /// Another name for a type, over the parameters.
    Alias(Type),
}

/// What is declared about a type name.
#[derive(Clone, Debug)]
pub struct NamedType {
    /// The name.
    pub name: String,
    /// The number of parameters.
    pub parameters: usize,
    /// How it is declared.
    pub declaration: TypeDeclaration,
}

/// The type names that are in scope.
#[derive(Clone, Debug)]
pub struct TypeNames {
    declared: PrimaryMap<TypeName, NamedType>,
    /// The last declaration of each name.
    by_name: HashMap<String, TypeName>,
    /// The datatype of each constructor, and the constructor's index.
    constructors: HashMap<String, (TypeName, usize)>,
}

impl Default for TypeNames {
    fn default() -> TypeNames {
        let mut names = TypeNames {
            declared: PrimaryMap::new(),
            by_name: HashMap::default(),
            constructors: HashMap::default(),
        };
        for (name, parameters) in BUILT_IN {
            let declaration = match parameters {
                None => TypeDeclaration::Nat,
                Some(_) => TypeDeclaration::Abstract,
            };
            names.declare(name, parameters.unwrap_or(0), declaration);
        }
        let constructor = |name: &str, tag, fields| {
            let (name, has_tag) = (name.to_owned(), false);
            DataConstructor { name, tag, fields, has_tag }
        };
        let item = Type::Variable(0);
        let list = Type::Apply(Head::Named(TypeName::LIST), [item.clone()].into());
        names.set_constructors(
            TypeName::LIST,
            vec![
                constructor("NIL", 0, Vec::new()),
                constructor("CONS", 2, vec![item.clone(), list]),
            ],
        );
        if let Some(maybe) = names.find("Maybe") {
            let some = constructor("SOME", 1, vec![item.clone()]);
            names.set_constructors(maybe, vec![constructor("NONE", 0, Vec::new()), some]);
        }
        if let Some(either) = names.find("Either") {
            let side = |name: &str, tag: u64| {
                let (name, fields) = (name.to_owned(), vec![Type::Variable(tag as u32)]);
                DataConstructor { name, tag, fields, has_tag: true }
            };
            names.set_constructors(either, vec![side("LEFT", 0), side("RIGHT", 1)]);
        }
        names
    }
}

impl TypeNames {
    /// Has the names of the built-in types mean these types again, if declarations have taken them.
    pub fn restore_built_in(&mut self) {
        // The built-in types were declared first.
        for (id, (name, _)) in self.declared.keys().zip(BUILT_IN) {
            self.by_name.insert(name.to_owned(), id);
        }
    }

    /// Declares a type, in place of an earlier one of the same name.
    pub fn declare(
        &mut self,
        name: &str,
        parameters: usize,
        declaration: TypeDeclaration,
    ) -> TypeName {
        let name = name.to_owned();
        let declared = NamedType { name: name.clone(), parameters, declaration };
        let id = self.declared.push(declared);
        self.by_name.insert(name, id);
        id
    }

    /// Makes a type a datatype with these constructors.
    pub fn set_constructors(&mut self, name: TypeName, constructors: Vec<DataConstructor>) {
        for (index, constructor) in constructors.iter().enumerate() {
            self.constructors.insert(constructor.name.clone(), (name, index));
        }
        self.declared[name].declaration = TypeDeclaration::Datatype(constructors);
    }

    /// Returns the type of this name.
    pub fn find(&self, name: &str) -> Option<TypeName> {
        self.by_name.get(name).copied()
    }

    /// Returns what is declared about a type name.
    pub fn get(&self, name: TypeName) -> &NamedType {
        &self.declared[name]
    }

    /// Returns the datatype of a constructor, and the constructor.
    pub fn constructor(&self, name: &str) -> Option<(TypeName, &DataConstructor)> {
        let (datatype, index) = *self.constructors.get(name)?;
        Some((datatype, self.constructors_of(datatype).get(index)?))
    }

    /// Returns the constructors of a datatype; none for any other type.
    pub fn constructors_of(&self, name: TypeName) -> &[DataConstructor] {
        match &self.declared[name].declaration {
            TypeDeclaration::Datatype(constructors) => constructors,
            _ => &[],
        }
    }

    /// Returns the name that decides whether two types are equal: `Nat` for each use of a nat.
    pub(crate) fn canonical(&self, name: TypeName) -> TypeName {
        match self.declared[name].declaration {
            TypeDeclaration::Nat => TypeName::NAT,
            _ => name,
        }
    }

    /// Returns whether a name is a use of a nat.
    pub(crate) fn is_nat(&self, name: TypeName) -> bool {
        self.declared[name].declaration == TypeDeclaration::Nat
    }

    /// Returns the last declaration of each name, in any order.
    pub(crate) fn in_scope(&self) -> impl Iterator<Item = TypeName> + '_ {
        self.by_name.values().copied()
    }

    /// Returns the names of all types, in the order of their declarations.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.declared.values().map(|declared| declared.name.as_str())
    }
}
