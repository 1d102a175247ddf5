//! Replacements of items of rows: `put row i x` and its kin.
//!
//! The jet evaluates the index only if the row is an app, and else returns the row. So the code tests
//! that first and then evaluates the index itself: what depends on the index, such as the new item, is
//! then known to need no thunk of it. Replacements in the result of a replacement, as in the exchange of
//! two items, share the test: that result is an app as well.

use super::jets::{JetConstant, JetLowering, ReplacementPlaces, jet_lowering};
use super::law::{Expr, LawLowering};
use super::strict::Destination;
use crate::ir::{FunctionRole, Operand, Prim, Terminator, Type};
use vm::law::{Application, SaturatedCall};

/// The most replacements, one in the result of the other, that share a test.
const CHAIN_LIMIT: usize = 8;

/// A call of a jet that replaces an item.
pub(super) struct ReplacementCall<'h> {
    pub(super) called: JetConstant,
    pub(super) places: ReplacementPlaces,
    pub(super) args: Vec<Expr<'h>>,
}

impl<'h> LawLowering<'_, 'h> {
    /// Lowers a replacement, with those whose results it changes.
    pub(super) fn replacement(
        &mut self,
        outermost: ReplacementCall<'h>,
        to: Destination,
    ) -> Option<Operand> {
        let mut row = outermost.args[outermost.places.row];
        let mut calls = vec![outermost];
        while calls.len() < CHAIN_LIMIT
            && let Some(call) = self.replacement_call(row)
        {
            row = call.args[call.places.row];
            calls.push(call);
        }
        let mut indices = calls.iter().map(|call| call.args[call.places.index]);
        let is_simple = indices.all(|index| self.is_evaluated(index));
        // A thunk that only replaces an item is one that code generation makes at once where it can.
        let is_delayed = matches!(to, Destination::Return)
            && self.function.role == FunctionRole::Thunk
            && calls.len() == 1;
        if is_simple || is_delayed {
            let outermost = &calls[0];
            return self.native(outermost.called, &outermost.args, to);
        }
        let value = self.strict(row);
        if self.type_of(value).is(Type::Nat) {
            return self.deliver(value, to);
        }
        let is_app = self.prim(Prim::IsApp, &[value]);
        self.branching(to, |this, to| {
            let (yes, no) = (this.new_block(), this.new_block());
            this.terminate(Terminator::If(is_app, yes, no));
            this.branch(yes, |this| {
                let mut value = value;
                while let Some(call) = calls.pop() {
                    let operands = this.replacement_operands(&call, value);
                    let to = if calls.is_empty() { to } else { Destination::Operand };
                    let replaced = this.native_call(call.called.id, operands, to);
                    value = replaced.unwrap_or(value);
                }
            });
            this.branch(no, |this| {
                this.deliver(value, to);
            });
        })
    }

    /// The replacement that an expression calls, if it does nothing else.
    fn replacement_call(&mut self, expr: Expr<'h>) -> Option<ReplacementCall<'h>> {
        let spine = self.spine(expr);
        match self.classify(&spine)? {
            (Operand::Constant(id), Application::Saturated(SaturatedCall::Jet(jet))) => {
                let jet = *self.builder.vm.jets().get(jet);
                let JetLowering::Replacement(places) = jet_lowering(&jet) else { return None };
                let called = JetConstant { id, jet };
                Some(ReplacementCall { called, places, args: spine.args })
            }
            _ => None,
        }
    }

    /// The operands of a replacement in an app, with the index evaluated.
    fn replacement_operands(&mut self, call: &ReplacementCall<'h>, row: Operand) -> Vec<Operand> {
        let index = self.strict(call.args[call.places.index]);
        let operand = |(place, arg): (usize, &Expr<'h>)| match place {
            _ if place == call.places.row => row,
            _ if place == call.places.index => index,
            _ => self.lazy(*arg),
        };
        call.args.iter().enumerate().map(operand).collect()
    }
}
