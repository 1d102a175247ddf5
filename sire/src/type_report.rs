//! [`TypeReport`]: how a definition has got its type.

use crate::typing::{SurveyedName, TypeOrigin};

/// How a definition has got its type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TypeReportKind {
    /// The definition was checked against its declared type.
    Checked,
    /// The type was inferred.
    Inferred,
    /// The type is declared, and the definition is not checked.
    Trusted,
    /// The definition has no type, or not the declared one, for this reason.
    Failed(String),
}

/// The type of a definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeReport {
    /// The module.
    pub module: String,
    /// The name.
    pub name: String,
    /// The type: the declared one, or the inferred one.
    pub ty: Option<String>,
    /// How the definition has got it.
    pub kind: TypeReportKind,
}

impl From<SurveyedName> for TypeReport {
    fn from(surveyed: SurveyedName) -> TypeReport {
        let SurveyedName { module, name, ty, origin } = surveyed;
        let kind = match origin {
            TypeOrigin::Checked => TypeReportKind::Checked,
            TypeOrigin::Inferred => TypeReportKind::Inferred,
            TypeOrigin::Trusted => TypeReportKind::Trusted,
            TypeOrigin::Failed(reason) => TypeReportKind::Failed(reason),
        };
        TypeReport { module, name, ty, kind }
    }
}
