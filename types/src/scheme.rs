//! [`Scheme`]: the type of a global name, with its variables quantified.
//!
//! Types of this form are trees of at most [`TYPE_SIZE_MAX`] nodes, so functions over them recurse.

use crate::name::TypeName;

/// The maximum number of nodes of a type in a [`Scheme`].
pub(crate) const TYPE_SIZE_MAX: usize = 4096;

/// The type constructor at the root of a type.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Head {
    /// A function, of the types of its argument and its result.
    Function,
    /// A row with a fixed number of items, of the types of the items.
    Tuple,
    /// A named type, of its parameters.
    Named(TypeName),
}

/// A type over quantified variables.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Type {
    /// A quantified variable, by its index.
    Variable(u32),
    /// A type constructor and its arguments.
    Apply(Head, Box<[Type]>),
}

/// What a row must be, when its type alone does not say it.
///
/// A row of items that differ in type is a *tuple*, `[a b]`; a row of items of one type is also a
/// `Row a`. Both have the same representation, so the use of a row decides.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RowRequirement<T> {
    /// The row has the item `item` at `index`.
    Item {
        /// The type of the row.
        row: T,
        /// The index.
        index: u64,
        /// The type of the item.
        item: T,
    },
    /// The row consists of exactly these items.
    Literal {
        /// The type of the row.
        row: T,
        /// The types of the items.
        items: Box<[T]>,
    },
}

/// The type of a global name: for all types of its variables that satisfy the requirements.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Scheme {
    /// The names of the quantified variables.
    pub variables: Vec<String>,
    /// What the variables must satisfy.
    pub requirements: Vec<RowRequirement<Type>>,
    /// The type.
    pub body: Type,
}

impl<T> RowRequirement<T> {
    /// Returns the type of the row.
    pub(crate) fn row(&self) -> &T {
        match self {
            RowRequirement::Item { row, .. } | RowRequirement::Literal { row, .. } => row,
        }
    }

    /// Returns the types of the items.
    pub(crate) fn items(&self) -> &[T] {
        match self {
            RowRequirement::Item { item, .. } => std::slice::from_ref(item),
            RowRequirement::Literal { items, .. } => items,
        }
    }

    /// Returns the requirement with each type replaced.
    pub(crate) fn map<U>(&self, mut f: impl FnMut(&T) -> U) -> RowRequirement<U> {
        match self {
            RowRequirement::Item { row, index, item } => {
                RowRequirement::Item { row: f(row), index: *index, item: f(item) }
            }
            RowRequirement::Literal { row, items } => {
                RowRequirement::Literal { row: f(row), items: items.iter().map(f).collect() }
            }
        }
    }
}

impl Type {
    /// Makes a type without parameters.
    pub fn named(name: TypeName) -> Type {
        Type::Apply(Head::Named(name), Box::default())
    }

    /// Makes the type of functions.
    pub fn function(argument: Type, result: Type) -> Type {
        Type::Apply(Head::Function, [argument, result].into())
    }

    /// Returns the type with each variable replaced.
    pub(crate) fn substitute(&self, variables: &[Type]) -> Type {
        match self {
            Type::Variable(index) => {
                variables.get(*index as usize).cloned().unwrap_or_else(|| self.clone())
            }
            Type::Apply(head, args) => {
                Type::Apply(*head, args.iter().map(|arg| arg.substitute(variables)).collect())
            }
        }
    }

    /// Returns the number of nodes.
    pub(crate) fn size(&self) -> usize {
        match self {
            Type::Variable(_) => 1,
            Type::Apply(_, args) => 1 + args.iter().map(Type::size).sum::<usize>(),
        }
    }
}

impl Scheme {
    /// Makes the type of a name without type variables.
    pub fn closed(body: Type) -> Scheme {
        Scheme { variables: Vec::new(), requirements: Vec::new(), body }
    }

    /// Makes the type of a function that returns the item of a row at `index`.
    pub fn selector(index: u64) -> Scheme {
        let (row, item) = (Type::Variable(0), Type::Variable(1));
        let body = Type::function(row.clone(), item.clone());
        let requirements = vec![RowRequirement::Item { row, index, item }];
        Scheme { variables: vec!["r".into(), "a".into()], requirements, body }
    }

    /// Makes the type of a function that takes a row and returns its item at a given `index`, with
    /// the row before or after other arguments.
    pub fn updater(index: u64, row_is_first: bool) -> Scheme {
        let (row, item) = (Type::Variable(0), Type::Variable(1));
        let (first, second) = match row_is_first {
            true => (row.clone(), item.clone()),
            false => (item.clone(), row.clone()),
        };
        let body = Type::function(first, Type::function(second, row.clone()));
        let requirements = vec![RowRequirement::Item { row, index, item }];
        Scheme { variables: vec!["r".into(), "a".into()], requirements, body }
    }
}
