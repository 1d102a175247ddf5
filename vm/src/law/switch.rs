//! [`Switch`]: a call that evaluates one of several cases; and [`SwitchCases`], cases that the body
//! makes in place, so that the call is a branch and nothing is allocated for the others.

use super::application::{Application, Spine};
use crate::jet::declare::JetOperation;
use plan::{Items, Ref, Shape};

/// A switch with more cases than this is a call of its jet: its code would be too large.
const CASES_LIMIT: usize = 256;

/// A call that evaluates one of several cases, the items of a row or the values of a table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Switch {
    /// The index of the argument that selects the case. It is evaluated, unless it is a key and the
    /// table is empty.
    pub selector: usize,
    /// The index of the argument that is the result if no case is selected; 0 is if there is none.
    pub default: Option<usize>,
    /// The index of the argument that holds the cases.
    pub cases: usize,
}

/// The cases of a switch that the body makes in place. `E` is the client's type of expressions.
pub struct SwitchCases<'h, E> {
    /// The values that select the cases, ascending and in normal form, if the cases are those of a
    /// table. The cases of a row are selected by the nats 0, 1 and so on.
    pub keys: Option<Vec<Ref<'h>>>,
    /// The cases.
    pub cases: Vec<E>,
}

/// A reader of the expressions of a body: the decoder, or the compiler.
pub trait BodyReader<'h> {
    /// Its type of expressions.
    type Expr: Copy;

    /// Returns the innermost function and the arguments of an expression.
    fn read_spine(&mut self, expr: Self::Expr) -> Spine<Self::Expr>;

    /// Returns the value of an expression that is a constant other than a nat below 2^63, and how
    /// it reduces when it is applied to that many arguments.
    fn read_function(&mut self, expr: Self::Expr, given: usize) -> Option<(Ref<'h>, Application)>;

    /// Returns the expression of a constant.
    fn of_value(value: Ref<'h>) -> Self::Expr;
}

impl Switch {
    /// Returns the switch that an operation is, if it is one.
    pub(super) fn of(operation: JetOperation) -> Option<Switch> {
        let (selector, default, cases) = match operation {
            JetOperation::SwitchRow | JetOperation::SwitchTable => (0, Some(1), 2),
            JetOperation::TableItem => (0, None, 1),
            _ => return None,
        };
        Some(Switch { selector, default, cases })
    }
}

impl<'h, E: Copy> SwitchCases<'h, E> {
    /// Finds the cases in the expression of a row or table. `None` if the body does not make it in
    /// place, or there are many cases.
    pub fn of<R: BodyReader<'h, Expr = E>>(reader: &mut R, expr: E) -> Option<Self> {
        let spine = reader.read_spine(expr);
        let (function, application) = reader.read_function(spine.head, spine.args.len())?;
        let (keys, cases) = match (function.shape(), application, &spine.args[..]) {
            (Shape::Set(keys), _, &[row]) => {
                let row = reader.read_spine(row);
                let (function, application) = reader.read_function(row.head, row.args.len())?;
                (Some(keys), row_items::<R>(function, application, row.args)?)
            }
            (Shape::Tab(keys, values), _, []) => (Some(keys), constants::<R>(values)?),
            _ => (None, row_items::<R>(function, application, spine.args)?),
        };
        let is_whole = keys.is_none_or(|keys| keys.len() == cases.len());
        (is_whole && cases.len() <= CASES_LIMIT)
            .then(|| SwitchCases { keys: keys.map(|keys| keys.iter().collect()), cases })
    }
}

/// The items of the row that an application is, first to last.
fn row_items<'h, R: BodyReader<'h>>(
    function: Ref<'h>,
    application: Application,
    mut args: Vec<R::Expr>,
) -> Option<Vec<R::Expr>> {
    match (function.shape(), application) {
        (_, Application::Row) => {
            // The constructor takes the items last to first.
            args.reverse();
            Some(args)
        }
        (Shape::Row(items), _) if args.is_empty() => constants::<R>(items),
        _ => None,
    }
}

/// The expressions of constants, unless there are many.
fn constants<'h, R: BodyReader<'h>>(items: Items<'h>) -> Option<Vec<R::Expr>> {
    (items.len() <= CASES_LIMIT).then(|| items.iter().map(R::of_value).collect())
}
