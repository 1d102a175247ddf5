//! Switches: a choice between cases that the body makes in place, by a nat or by a key.
//!
//! The cases are branches; no thunk, row or table is made. Keys that are nats below 2^63 are cases
//! of one `switch`. The others are searched by comparisons, which compare a value with the same
//! neighbours as every other search of the keys, so they evaluate the same parts of the value.

use super::law::{Expr, LawLowering};
use super::strict::Destination;
use crate::ir::{BlockId, JoinId, Operand, Prim, Stmt, Terminator};
use plan::{Ref, Shape};
use vm::law::{Application, BodyNode, BodyReader, Spine, Switch, SwitchCases};

/// Keys, ascending, and the case of each.
type KeyedCases<'c, 'h> = [(Ref<'h>, Expr<'h>)];

/// The most nats that are tried one after the other: such a comparison is a few instructions, and one for
/// order is a call.
const TRIED_NATS: usize = 8;

impl<'h> BodyReader<'h> for LawLowering<'_, 'h> {
    type Expr = Expr<'h>;

    fn read_spine(&mut self, expr: Expr<'h>) -> Spine<Expr<'h>> {
        self.spine(expr)
    }

    fn read_function(&mut self, expr: Expr<'h>, given: usize) -> Option<(Ref<'h>, Application)> {
        let function = self.known_value(expr)?;
        Some((function, Application::of(function, given, self.builder.vm.jets())))
    }

    fn of_value(value: Ref<'h>) -> Expr<'h> {
        Expr::Value(value)
    }
}

impl<'h> LawLowering<'_, 'h> {
    /// The value of an expression, if it is a constant or a reference to one.
    fn known_value(&self, expr: Expr<'h>) -> Option<Ref<'h>> {
        let operand = match expr {
            Expr::Operand(operand) => operand,
            Expr::Value(value) => return Some(value),
            Expr::Node(node) => match self.law.node(node) {
                BodyNode::Constant(value) => return Some(value),
                BodyNode::Reference(reference) => self.scope.get(reference),
                BodyNode::Application(..) => return None,
            },
        };
        match operand {
            Operand::Constant(k) => Some(self.builder.value(k)),
            Operand::Small(_) | Operand::Var(_) => None,
        }
    }

    /// Lowers a switch with these cases.
    pub(super) fn switch(
        &mut self,
        switch: Switch,
        cases: &SwitchCases<'h, Expr<'h>>,
        args: &[Expr<'h>],
        to: Destination,
    ) -> Option<Operand> {
        let default = switch.default.map_or(Expr::Operand(Operand::Small(0)), |index| args[index]);
        let Some(keys) = &cases.keys else {
            let value = self.strict(args[switch.selector]);
            let nats = (0..).zip(cases.cases.iter().copied()).collect();
            return self.branching(to, |this, to| {
                let default_block = this.new_block();
                this.nat_switch(value, nats, default_block, to);
                this.branch_to(default_block, default, &[], to);
            });
        };
        if keys.is_empty() {
            // The selector is not evaluated.
            return self.branching(to, |this, to| this.branch_to(this.block, default, &[], to));
        }
        let value = self.strict(args[switch.selector]);
        let entries: Vec<_> = keys.iter().copied().zip(cases.cases.iter().copied()).collect();
        self.branching(to, |this, to| this.key_switch(value, &entries, default, to))
    }

    /// Terminates the block by a `switch` on nats, and writes the blocks of its cases.
    fn nat_switch(
        &mut self,
        value: Operand,
        cases: Vec<(u64, Expr<'h>)>,
        default: BlockId,
        to: Destination,
    ) {
        let blocks: Vec<(u64, BlockId)> =
            cases.iter().map(|(nat, _)| (*nat, self.new_block())).collect();
        self.terminate(Terminator::Switch(value, blocks.clone(), default));
        for ((_, block), (_, case)) in blocks.into_iter().zip(cases) {
            self.branch_to(block, case, &[], to);
        }
    }

    /// Writes the choice between the cases of a table that has at least one.
    fn key_switch(
        &mut self,
        value: Operand,
        entries: &KeyedCases<'_, 'h>,
        default: Expr<'h>,
        to: Destination,
    ) {
        let split = entries.partition_point(|(key, _)| key.word().is_direct());
        let (nats, others) = entries.split_at(split);
        let direct = |(key, case): &(Ref<'h>, _)| Some((key.as_u64()?, *case));
        let nats: Vec<(u64, Expr<'h>)> = nats.iter().filter_map(direct).collect();
        if others.is_empty() {
            let default_block = self.new_block();
            self.nat_switch(value, nats, default_block, to);
            return self.branch_to(default_block, default, &[], to);
        }
        // Several branches lead to the default.
        let (here, default_block) = (self.block, self.new_block());
        let missing = self.function.new_join(Vec::new(), default_block, false);
        self.push(Stmt::Join(missing));
        self.branch_to(default_block, default, &[], to);
        self.block = here;
        if !nats.is_empty() {
            let rest = self.new_block();
            self.nat_switch(value, nats, rest, to);
            self.branch(rest, |this| this.search_beyond_nats(value, others, missing, to));
        } else {
            self.search_beyond_nats(value, others, missing, to);
        }
    }

    /// Writes the search for a value among keys that are not nats below 2^63.
    fn search_beyond_nats(
        &mut self,
        value: Operand,
        entries: &KeyedCases<'_, 'h>,
        missing: JoinId,
        to: Destination,
    ) {
        let is_small = self.prim(Prim::IsSmall, &[value]);
        let (yes, no) = (self.new_block(), self.new_block());
        self.terminate(Terminator::If(is_small, yes, no));
        self.branch(yes, |this| this.terminate(Terminator::Jump(missing, Vec::new())));
        self.branch(no, |this| this.search(value, entries, missing, to));
    }

    /// Writes the comparisons with one key after the other, which are nats.
    fn try_nats(
        &mut self,
        value: Operand,
        entries: &KeyedCases<'_, 'h>,
        missing: JoinId,
        to: Destination,
    ) {
        let Some(((key, case), others)) = entries.split_first() else {
            return self.terminate(Terminator::Jump(missing, Vec::new()));
        };
        let operand = self.builder.constant(*key);
        let is_equal = self.prim(Prim::Eq, &[value, operand]);
        let (yes, no) = (self.new_block(), self.new_block());
        self.terminate(Terminator::If(is_equal, yes, no));
        self.branch_to(yes, *case, &[], to);
        self.branch(no, |this| this.try_nats(value, others, missing, to));
    }

    /// Writes a binary search by comparisons.
    fn search(
        &mut self,
        value: Operand,
        entries: &KeyedCases<'_, 'h>,
        missing: JoinId,
        to: Destination,
    ) {
        let are_nats = || entries.iter().all(|(key, _)| matches!(key.shape(), Shape::Nat(_)));
        if entries.len() <= TRIED_NATS && are_nats() {
            return self.try_nats(value, entries, missing, to);
        }
        let (below, rest) = entries.split_at(entries.len() / 2);
        let Some(((key, case), above)) = rest.split_first() else {
            return self.terminate(Terminator::Jump(missing, Vec::new()));
        };
        let operand = self.builder.constant(*key);
        let order = self.prim(Prim::Cmp, &[value, operand]);
        let [less, equal, greater] = [(); 3].map(|()| self.new_block());
        self.terminate(Terminator::Switch(order, vec![(0, less), (1, equal)], greater));
        self.branch(less, |this| this.search(value, below, missing, to));
        self.branch_to(equal, *case, &[], to);
        self.branch(greater, |this| this.search(value, above, missing, to));
    }
}
