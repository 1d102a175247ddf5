//! The analysed form of laws. The central type is [`AnalysedLaw`]: the lets of a law's body, and the
//! expression below them, which is its result.
//!
//! ```text
//! body        ::=  (1 value body)  |  expression
//! expression  ::=  n  (a reference, if n is in scope)  |  (0 f x)  |  (2 constant)  |  constant
//! ```
//!
//! Reference 0 is the law itself; the arguments follow, then the lets, each of which is in scope in
//! all lets and in the result. The interpreter's decoder and the compiler start from this form, so
//! both read a body alike, make its lets in the same order, and agree on how each application of a
//! known function reduces.
//!
//! Bodies come from outside: no method recurses on the depth of a body or the number of its lets.
//!
//! ```text
//! application     Spine, Application: how an application reduces
//! jet_evaluation  JetEvaluation: what a call of a jet evaluates, and where it branches
//! switch          Switch, SwitchCases: a choice between the items of a row or table in the body
//! crash           functions that are certain to crash
//! lets            BindingGroup: the needed lets in dependency order
//! body            AnalysedLaw, BodyNode: the grammar; the references in an expression
//! scope           ReferenceScope: the bindings of references in generated code
//! ```

mod application;
mod body;
mod crash;
mod jet_evaluation;
mod lets;
mod scope;
mod switch;

pub use application::{Application, DELAYED_ARGS_LIMIT, SaturatedCall, Spine, applied_function};
pub use body::{AnalysedLaw, BodyNode};
pub use crash::always_crashes;
pub use jet_evaluation::{Choice, ChoiceTest, Connective, JetEvaluation};
pub use lets::BindingGroup;
pub use scope::ReferenceScope;
pub use switch::{BodyReader, Switch, SwitchCases};
