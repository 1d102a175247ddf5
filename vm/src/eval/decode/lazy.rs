//! Lazy emission: code that passes an expression on without evaluating it.

use super::super::code::{Op, ThunkEntry, ValueSource};
use super::{Binding, Decoder, Operand, PendingThunk, STRICT_LIMIT};
use crate::jet::{JetCode, JetOperation};
use crate::law::{Application, BodyNode, DELAYED_ARGS_LIMIT, SaturatedCall, Spine};
use plan::Ref;
use plan::raw::Word;

impl<'a> Decoder<'a> {
    /// Pushes an operand without evaluating it.
    pub(super) fn lazy(&mut self, operand: Operand<'a>) {
        match (self.source(operand), operand) {
            (Some(source), _) => self.push_source(source),
            (None, Operand::Expression(node)) => self.lazy_application(node),
            (None, Operand::Slot(_) | Operand::Constant(_)) => {
                unreachable!("a slot or constant is a source")
            }
        }
    }

    /// The source of the operand's word; `None` if it is an application.
    fn source(&mut self, operand: Operand<'a>) -> Option<ValueSource> {
        let node = match operand {
            Operand::Slot(slot) => return Some(ValueSource::slot(slot)),
            Operand::Constant(k) => return Some(ValueSource::constant(self.constant(k.word()))),
            Operand::Expression(node) => node,
        };
        let constant = match self.law.node(node) {
            BodyNode::Reference(r) => match self.scope.get(r) {
                Binding::Slot(slot) => return Some(ValueSource::slot(slot)),
                Binding::Constant(k) => k,
            },
            BodyNode::Constant(k) => k,
            BodyNode::Application(..) => return None,
        };
        Some(ValueSource::constant(self.constant(constant.word())))
    }

    pub(super) fn push_constant(&mut self, word: Word) {
        let number = self.constant(word);
        self.push_source(ValueSource::constant(number));
    }

    fn lazy_application(&mut self, node: Ref<'a>) {
        let spine = self.spine(Operand::Expression(node));
        let known = self.classify(&spine);
        if let Some((_, application @ (Application::Partial | Application::Row))) = known
            && self.nesting < STRICT_LIMIT
        {
            self.nesting += 1;
            self.value(application, &spine);
            self.nesting -= 1;
            return;
        }
        let atoms = |o: &Operand<'a>| self.is_atom(*o);
        if atoms(&spine.head)
            && spine.args.iter().all(atoms)
            && spine.args.len() <= DELAYED_ARGS_LIMIT
        {
            return match known {
                Some((function, application)) => {
                    self.lazy_call(node, function, application, &spine);
                }
                None => self.application(&spine),
            };
        }
        let entry = self.thunk_entry(node);
        self.push(Op::Thunk(entry));
    }

    /// Pushes an application that is a value: a row, or an app.
    pub(super) fn value(&mut self, application: Application, spine: &Spine<Operand<'a>>) {
        if application != Application::Row {
            return self.application(spine);
        }
        let count = spine.args.len() as u32;
        for arg in spine.args.iter().rev() {
            self.lazy(*arg);
        }
        self.depth -= count;
        self.push(Op::Row(count));
    }

    /// Pushes the function and the arguments, and applies them by [`Op::Apply`].
    fn application(&mut self, spine: &Spine<Operand<'a>>) {
        self.lazy(spine.head);
        for arg in &spine.args {
            self.lazy(*arg);
        }
        let count = spine.args.len() as u32;
        self.depth -= count + 1;
        self.push(Op::Apply(count));
    }

    /// Pushes the application of a known function, none of whose arguments is an application: its
    /// value if the function is cheap, else a thunk.
    fn lazy_call(
        &mut self,
        node: Ref<'a>,
        function: Ref<'a>,
        application: Application,
        spine: &Spine<Operand<'a>>,
    ) {
        if let Some(index) = self.selected_item(application, spine) {
            let entry = self.thunk_entry(node);
            if self.entries[entry as usize].captured == 1 {
                return self.push(Op::Select { index, entry });
            }
            // The row is a constant.
            return self.push(Op::Thunk(entry));
        }
        let head = ValueSource::constant(self.constant(function.word()));
        let args: Vec<ValueSource> =
            spine.args.iter().filter_map(|arg| self.source(*arg)).collect();
        let list = self.list(std::iter::once(head).chain(args));
        if !self.is_cheap(application) {
            return self.push(Op::Delay(list));
        }
        let before = self.depth;
        self.grow(u32::from(list.count));
        self.depth = before;
        self.push(Op::ApplyEagerly(list));
    }

    /// The index of the item, if the application takes an item at a constant index from a row.
    fn selected_item(&self, application: Application, spine: &Spine<Operand<'a>>) -> Option<u16> {
        let Application::Saturated(SaturatedCall::Jet(jet)) = application else { return None };
        if !self.is_cheap(application) {
            return None;
        }
        let index = match self.jets.get(jet).operation? {
            JetOperation::Index => spine.args[0],
            JetOperation::Get => spine.args[1],
            _ => return None,
        };
        u16::try_from(self.constant_operand(index)?.word().as_direct()?).ok()
    }

    /// Whether the call is cheap enough to be made eagerly. No jet is while calls are counted: the
    /// law does not make the eager call.
    fn is_cheap(&self, application: Application) -> bool {
        match application {
            Application::Saturated(SaturatedCall::Increment) => true,
            Application::Saturated(SaturatedCall::Jet(jet)) => {
                let is_native = matches!(self.jets.get(jet).code, JetCode::Native(_));
                is_native && !self.jets.counts_calls() && self.jets.cheap(jet).is_some()
            }
            _ => false,
        }
    }

    fn is_atom(&self, operand: Operand<'a>) -> bool {
        match operand {
            Operand::Slot(_) | Operand::Constant(_) => true,
            Operand::Expression(node) => !matches!(self.law.node(node), BodyNode::Application(..)),
        }
    }

    /// The number of a new entry for an expression in the current scope.
    pub(super) fn thunk_entry(&mut self, node: Ref<'a>) -> u32 {
        let number = self.entries.len();
        let used = self.law.captured_references(node);
        let mut captures = Vec::new();
        let scope = self.scope.of_thunk(used.as_deref(), |binding| match binding {
            Binding::Slot(slot) => {
                captures.push(ValueSource::slot(slot));
                Binding::Slot(captures.len() as u32 - 1)
            }
            Binding::Constant(_) => binding,
        });
        let slots = captures.len() as u32;
        let start = self.sources.len() as u32;
        self.sources.extend(captures);
        self.entries.push(ThunkEntry { pc: 0, captures: start, captured: slots, hole: 0 });
        self.pending.push(PendingThunk { entry: number, node, scope, slots });
        number as u32
    }
}
