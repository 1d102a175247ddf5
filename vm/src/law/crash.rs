//! Functions that are certain to crash.

use super::body::{AnalysedLaw, BodyNode};
use plan::{Ref, Shape};

/// The most laws that are followed from a law that calls another one at once.
const LAWS_LIMIT: usize = 4;

/// Whether a call of a function with as many arguments as its arity, or more, is certain to end in
/// no value: the function is a nat that is no operation, or a law whose result is such a call. May
/// answer `false` for other functions that are certain to crash.
pub fn always_crashes(function: Ref<'_>) -> bool {
    let mut function = function;
    for _ in 0..LAWS_LIMIT {
        let law = match function.shape() {
            Shape::Nat(nat) => return nat.to_u64().is_none_or(|nat| nat > 4),
            Shape::Law(law) => law,
            Shape::Pin(pin) => match pin.item().shape() {
                Shape::Law(law) => law,
                _ => return false,
            },
            _ => return false,
        };
        let Some(law) = AnalysedLaw::of(law) else { return false };
        let (head, given) = head_of_result(&law);
        match law.node(head) {
            BodyNode::Constant(called) if called.arity().is_some_and(|arity| arity <= given) => {
                function = called;
            }
            _ => return false,
        }
    }
    false
}

/// The innermost function of the law's result, and the number of its arguments.
fn head_of_result<'h>(law: &AnalysedLaw<'h>) -> (Ref<'h>, u64) {
    let (mut head, mut given) = (law.result(), 0);
    while let BodyNode::Application(function, _) = law.node(head) {
        head = function;
        given += 1;
    }
    (head, given)
}
