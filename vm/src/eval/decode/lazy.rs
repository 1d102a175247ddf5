//! Lazy emission: code that passes an expression on without evaluating it.

use super::super::code::{Op, ThunkEntry, ValueSource};
use super::{Binding, Decoder, Operand, PendingThunk, STRICT_LIMIT};
use crate::jet::{CheapCondition, JetCode, JetOperation};
use crate::law::{Application, BodyNode, DELAYED_ARGS_LIMIT, SaturatedCall, Spine};
use plan::Ref;
use plan::raw::Word;

/// The most operations of an expression that is computed at once on small nats.
const ARITHMETIC_LIMIT: usize = 6;

/// What an expression of operations on nats reads.
#[derive(Default)]
struct ArithmeticInputs {
    nats: Vec<ValueSource>,
    /// Items of rows: the index and the slot of the row.
    items: Vec<(u16, u32)>,
    /// The number of operations.
    operations: usize,
}

impl ArithmeticInputs {
    fn is_empty(&self) -> bool {
        self.nats.is_empty() && self.items.is_empty()
    }
}

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
        let mut inputs = ArithmeticInputs::default();
        if self.nesting < STRICT_LIMIT
            && self.is_arithmetic(&spine, &mut inputs)
            && !inputs.is_empty()
        {
            return self.arithmetic(node, inputs);
        }
        let entry = self.thunk_entry(node);
        self.push(Op::Thunk(entry));
    }

    /// Whether an application is one of a cheap operation on nats to atoms, items of rows in slots, and such
    /// applications, with few operations. Finds its inputs.
    fn is_arithmetic(&mut self, spine: &Spine<Operand<'a>>, inputs: &mut ArithmeticInputs) -> bool {
        let Some((_, application)) = self.classify(spine) else { return false };
        if let Some(index) = self.selected_item(application, spine) {
            let row = spine.args.iter().find_map(|arg| self.source(*arg)?.slot_or_constant().ok());
            inputs.items.extend(row.map(|slot| (index, slot as u32)));
            return row.is_some();
        }
        let is_operation = match application {
            Application::Saturated(SaturatedCall::Jet(jet)) => {
                matches!(self.jets.cheap(jet), Some(CheapCondition::OnNats | CheapCondition::OnU64))
            }
            Application::Saturated(SaturatedCall::Increment) => true,
            _ => false,
        };
        inputs.operations += 1;
        is_operation
            && self.is_cheap(application)
            && inputs.operations <= ARITHMETIC_LIMIT
            && spine.args.iter().all(|arg| self.is_arithmetic_operand(*arg, inputs))
    }

    fn is_arithmetic_operand(&mut self, arg: Operand<'a>, inputs: &mut ArithmeticInputs) -> bool {
        if let Some(constant) = self.constant_operand(arg) {
            return constant.word().is_direct();
        }
        if !self.is_atom(arg) {
            let spine = self.spine(arg);
            return self.is_arithmetic(&spine, inputs);
        }
        let source = self.source(arg);
        inputs.nats.extend(source);
        source.is_some()
    }

    /// Pushes the value of an arithmetic expression if its inputs are small nats, else a thunk for it. A
    /// chain of such thunks (the state of a fold) would grow until compiled code runs, which could not
    /// tell that the thunks are cheap.
    fn arithmetic(&mut self, node: Ref<'a>, inputs: ArithmeticInputs) {
        let before = self.depth;
        let mut otherwise = Vec::new();
        if !inputs.nats.is_empty() {
            let list = self.list(inputs.nats);
            self.push(Op::AreNats(list));
            otherwise.push(self.jump(Op::JumpIfFalse));
            self.depth = before;
        }
        for (index, slot) in inputs.items {
            self.push(Op::IsItemNat { index, slot });
            otherwise.push(self.jump(Op::JumpIfFalse));
            self.depth = before;
        }
        self.strict(Operand::Expression(node));
        let end = self.jump(Op::Jump);
        otherwise.into_iter().for_each(|jump| self.patch_jump(jump));
        self.depth = before;
        let entry = self.thunk_entry(node);
        self.push(Op::Thunk(entry));
        self.patch_jump(end);
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
