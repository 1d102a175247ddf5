//! Applying functions that a jet was given to each of many items.
//!
//! An item of the result may be left unevaluated, as the law leaves it. But where the function is a
//! cheap jet (see [`Cheap`]), perhaps with arguments already, and the item is evaluated, nobody can
//! tell whether it was applied at once, which saves a thunk and the way to its value later.

use super::declare::{Answer, Cheap, Demand, JetCode, Operation};
use super::table::GenericJetTable;
use crate::vm::{Call, NativeJet};
use plan::EvalError;
use plan::raw::{DIRECT_LIMIT, Kind, Word};

/// A cheap jet that lacks some arguments: what [`Call::cheap_function`] found.
#[derive(Clone, Copy)]
pub struct CheapFunction {
    jet: u32,
    when: Cheap,
    /// What it does with a nat, if it is one of a few operations that has its first operand.
    arithmetic: Option<(Operation, u64)>,
}

impl CheapFunction {
    /// Its value of a nat, if it takes no more than a few instructions.
    #[inline(always)]
    fn of_small(self, b: u64) -> Option<u64> {
        let (operation, a) = self.arithmetic?;
        let value = match operation {
            Operation::Add => a + b,
            Operation::Subtract => a.saturating_sub(b),
            Operation::Multiply => a.checked_mul(b)?,
            _ => return None,
        };
        (value < DIRECT_LIMIT).then_some(value)
    }
}

impl Call<'_> {
    /// What the value at that height is, if it is a cheap jet that lacks so many arguments.
    pub fn cheap_function(&self, index: usize, lacks: usize) -> Option<CheapFunction> {
        let heap = &self.vm.heap;
        let function = heap.resolve(heap.stack.get_checked(self.base + index));
        let (head, given) = match function.kind() {
            Kind::App => (heap.load(function, 0), heap.size(function) - 1),
            _ => (function, 0),
        };
        if head.kind() != Kind::Pin {
            return None;
        }
        let jet = self.vm.jets.of_pin(heap, head)?;
        let declared = self.vm.jets.get(jet);
        let fits = declared.arity() == given + lacks && matches!(declared.code, JetCode::Native(_));
        let when = declared.cheap.filter(|_| fits && !self.vm.jets.observes_fallbacks())?;
        let first = (given == 1 && lacks == 1).then(|| heap.resolve(heap.load(function, 1)));
        let arithmetic = declared.operation.zip(first.and_then(Word::as_direct));
        Some(CheapFunction { jet, when, arithmetic })
    }

    /// Replaces each of the top `count` values by the function at that height applied to it: see
    /// [`Call::apply`].
    ///
    /// # Errors
    /// [`EvalError::OutOfMemory`] and [`EvalError::Interrupted`].
    pub fn apply_to_each(&mut self, function: usize, count: usize) -> Result<(), EvalError> {
        let known = self.cheap_function(function, 1);
        let from = self.height() - count;
        for index in from..from + count {
            self.check()?;
            let place = self.base + index;
            let item = self.vm.heap.stack.get_checked(place);
            let value = item.as_direct().and_then(|nat| known?.of_small(nat));
            if let Some(value) = value {
                self.vm.heap.stack.set(place, Word::direct(value));
                continue;
            }
            self.push_at(function);
            self.push_at(index);
            self.apply(known, 1)?;
            self.put(index);
        }
        Ok(())
    }

    /// Replaces a function and `count` arguments by the application: its value, if the function is
    /// as cheap as `known` says and the arguments are evaluated; else unevaluated.
    ///
    /// # Errors
    /// [`EvalError::OutOfMemory`].
    pub fn apply(&mut self, known: Option<CheapFunction>, count: usize) -> Result<(), EvalError> {
        if let Some(known) = known {
            let place = self.height() - count - 1;
            let base = self.vm.heap.stack.top();
            if self.push_value_now(known, place)? {
                let top = self.vm.heap.stack.top();
                self.vm.heap.stack.slide(self.base + place, top - 1);
                return Ok(());
            }
            self.vm.heap.stack.truncate(base);
        }
        self.app(count)
    }

    /// Pushes the value of the application at that height, if it is there at once. What is above the
    /// application is anything if not.
    fn push_value_now(&mut self, known: CheapFunction, place: usize) -> Result<bool, EvalError> {
        let place = self.base + place;
        let base = self.vm.heap.stack.top();
        self.push_arguments(place, base);
        let declared = self.vm.jets.get(known.jet);
        let args = self.vm.heap.stack.top_from(base);
        if args.len() != declared.arity() || !is_cheap_with(&self.vm.jets, known, args) {
            return Ok(false);
        }
        let JetCode::Native(run) = declared.code else { return Ok(false) };
        let answer = run(&mut Call { vm: self.vm, base })?;
        Ok(matches!(answer, Answer::Done | Answer::Eval))
    }

    /// Pushes all arguments of the application between those places, followed to their values.
    fn push_arguments(&mut self, place: usize, end: usize) {
        let heap = &mut self.vm.heap;
        let function = heap.resolve(heap.stack.get(place));
        if function.kind() == Kind::App {
            for index in 1..heap.size(function) {
                let arg = heap.resolve(heap.load(function, index));
                heap.stack.push_checked(arg);
            }
        }
        for index in place + 1..end {
            let arg = heap.resolve(heap.stack.get(index));
            heap.stack.push_checked(arg);
        }
    }
}

/// Whether a jet is cheap with these arguments.
fn is_cheap_with(jets: &GenericJetTable<NativeJet>, known: CheapFunction, args: &[Word]) -> bool {
    let demands = jets.get(known.jet).demands;
    args.iter().zip(demands).all(|(arg, demand)| match known.when {
        Cheap::OnNats => arg.is_direct(),
        Cheap::Always => arg.kind() != Kind::Big && (*demand == Demand::Lazy || !arg.is_thunk()),
    })
}
