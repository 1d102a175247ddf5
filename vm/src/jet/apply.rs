//! [`JetCall`]'s application of a function that a jet got as an argument to each of many items.
//!
//! An item of the result may stay unevaluated, as in the law. But if the function is a cheap jet
//! (see [`CheapCondition`]), possibly partially applied, and the item is evaluated, applying it
//! eagerly cannot be observed and saves a thunk. A law that is applied often gets a lazy entry,
//! compiled code that does the same for the law.

use super::declare::{ArgDemand, CheapCondition, EXPONENT_LIMIT, JetAnswer, JetCode, JetOperation};
use super::short_key::is_short_key;
use crate::eval::INCREMENT;
use crate::vm::{JetCall, Vm};
use plan::EvalError;
use plan::raw::{DIRECT_LIMIT, Word, WordKind};

/// A partially applied cheap jet, or the increment, found by [`JetCall::cheap_function`].
#[derive(Clone, Copy)]
pub struct CheapFunction {
    /// The jet; none for the increment.
    jet: Option<u32>,
    when: CheapCondition,
    /// The operation and its first operand, if the jet is an operation of two operands and has the
    /// first; the operation alone, if it has none and lacks two arguments.
    arithmetic: Option<(JetOperation, Option<u64>)>,
}

impl CheapFunction {
    /// Its value for a nat below 2^63 as second operand, if a few instructions compute it.
    #[inline(always)]
    pub fn of_small(self, b: u64) -> Option<u64> {
        let (operation, a) = self.arithmetic?;
        CheapFunction::compute(operation, a?, b)
    }

    /// The nat that it compares its argument with, if it tests for equality with one below 2^63.
    pub fn equal_to(self) -> Option<u64> {
        match self.arithmetic? {
            (JetOperation::Equal, first) => first,
            _ => None,
        }
    }

    /// Its value for two nats as operands, if it lacks both and a few instructions compute it.
    #[inline(always)]
    pub(crate) fn of_smalls(self, a: u64, b: u64) -> Option<u64> {
        match self.arithmetic? {
            (operation, None) => CheapFunction::compute(operation, a, b),
            _ => None,
        }
    }

    #[inline(always)]
    fn compute(operation: JetOperation, a: u64, b: u64) -> Option<u64> {
        let value = match operation {
            JetOperation::Add => a + b,
            JetOperation::Subtract => a.saturating_sub(b),
            JetOperation::Multiply => a.checked_mul(b)?,
            JetOperation::Equal => u64::from(a == b),
            JetOperation::NotEqual => u64::from(a != b),
            JetOperation::Less => u64::from(a < b),
            JetOperation::LessOrEqual => u64::from(a <= b),
            JetOperation::Greater => u64::from(a > b),
            JetOperation::GreaterOrEqual => u64::from(a >= b),
            _ => return None,
        };
        (value < DIRECT_LIMIT).then_some(value)
    }
}

impl JetCall<'_> {
    /// The value at that index, if it is a cheap jet that lacks `missing` arguments, or the increment and lacks
    /// one.
    pub fn cheap_function(&self, index: usize, missing: usize) -> Option<CheapFunction> {
        let heap = &self.vm.heap;
        let function = heap.resolve(self.word_at(index));
        if function == INCREMENT && missing == 1 {
            let arithmetic = Some((JetOperation::Add, Some(1)));
            return Some(CheapFunction { jet: None, when: CheapCondition::OnNats, arithmetic });
        }
        let (head, applied) = match function.kind() {
            WordKind::App => (heap.load(function, 0), heap.size(function) - 1),
            _ => (function, 0),
        };
        if head.kind() != WordKind::Pin {
            return None;
        }
        let jet = self.vm.jet_of_pin(head)?;
        let declared = self.vm.jets.get(jet);
        let fits =
            declared.arity() == applied + missing && matches!(declared.code, JetCode::Native(_));
        let when = declared.cheap.filter(|_| fits && !self.vm.jets.observes_fallbacks())?;
        let arithmetic = match (declared.operation, applied, missing) {
            (Some(operation), 0, 2) => Some((operation, None)),
            (Some(operation), 1, 1) => {
                let first = heap.resolve(heap.load(function, 1)).as_direct();
                first.map(|first| (operation, Some(first)))
            }
            _ => None,
        };
        Some(CheapFunction { jet: Some(jet), when, arithmetic })
    }

    /// Replaces each of the top `count` values by the application of the function at index
    /// `function` to it, as [`JetCall::apply`] does.
    ///
    /// # Errors
    /// [`EvalError::OutOfMemory`] and [`EvalError::Interrupted`].
    pub fn apply_to_each(&mut self, function: usize, count: usize) -> Result<(), EvalError> {
        let known = self.cheap_function(function, 1);
        self.expect_values(count);
        self.count_applications(count);
        let from = self.height() - count;
        let end = from + count;
        let mut done = 0;
        if known.is_none() {
            let (function, items) = (self.stack_index(function), self.base + from..self.base + end);
            if self.vm.apply_lazy_entry(function, items.clone())? {
                return Ok(());
            }
            done = self.vm.apply_law_cheaply(function, items)?;
        }
        for index in from + done..end {
            self.check()?;
            let item = self.word_at(index);
            let value = item.as_direct().and_then(|nat| known?.of_small(nat));
            if let Some(value) = value {
                self.vm.heap.stack.set(self.base + index, Word::direct(value));
                continue;
            }
            self.push_at(function);
            self.push_at(index);
            self.apply(known, 1)?;
            self.put(index);
        }
        Ok(())
    }

    /// Notes that the jet applies a function to that many items.
    #[inline(always)]
    pub(super) fn count_applications(&mut self, count: usize) {
        let counter = &mut self.vm.evaluator.jet_applications;
        *counter = counter.wrapping_add(u32::try_from(count).unwrap_or(u32::MAX / 2));
    }

    /// Replaces a function and the `count` arguments above it by the application: by its value if
    /// `known` describes the function and the arguments are evaluated, else unevaluated.
    ///
    /// # Errors
    /// [`EvalError::OutOfMemory`].
    pub fn apply(&mut self, known: Option<CheapFunction>, count: usize) -> Result<(), EvalError> {
        if let Some(known) = known {
            self.expect_values(count.saturating_add(1));
            let function = self.vm.heap.stack.top() - count - 1;
            let base = self.vm.heap.stack.top();
            if count == 2 {
                let a = self.vm.heap.stack.get(function + 1).as_direct();
                let b = self.vm.heap.stack.get(function + 2).as_direct();
                if let (Some(a), Some(b)) = (a, b)
                    && let Some(value) = known.of_smalls(a, b)
                {
                    self.vm.heap.stack.truncate(function);
                    self.vm.heap.stack.push_checked(Word::direct(value));
                    return Ok(());
                }
            }
            if self.push_value_now(known, function)? {
                let top = self.vm.heap.stack.top();
                self.vm.heap.stack.slide(function, top - 1);
                return Ok(());
            }
            self.vm.heap.stack.truncate(base);
        }
        self.app(count)
    }

    /// Pushes the value of the application whose function is at that stack index and reaches to the
    /// top, if the jet returns it directly. If it does not, unspecified values are left above the
    /// application.
    fn push_value_now(&mut self, known: CheapFunction, function: usize) -> Result<bool, EvalError> {
        let Some(jet) = known.jet else { return Ok(false) };
        let base = self.vm.heap.stack.top();
        self.push_arguments(function, base);
        let declared = self.vm.jets.get(jet);
        let args = self.vm.heap.stack.top_from(base);
        if args.len() != declared.arity() || !is_cheap_with(self.vm, (jet, known.when), args) {
            return Ok(false);
        }
        let JetCode::Native(run) = declared.code else { return Ok(false) };
        let count = declared.arity();
        let answer = self.vm.run_native_jet(run, base, count)?;
        Ok(matches!(answer, JetAnswer::Done | JetAnswer::Eval))
    }

    /// Pushes all arguments of the application that is between those stack indices, without their
    /// indirections.
    fn push_arguments(&mut self, function: usize, end: usize) {
        let heap = &mut self.vm.heap;
        let first = function + 1;
        let function = heap.resolve(heap.stack.get(function));
        if function.kind() == WordKind::App {
            for index in 1..heap.size(function) {
                let arg = heap.resolve(heap.load(function, index));
                heap.stack.push_checked(arg);
            }
        }
        for index in first..end {
            let arg = heap.resolve(heap.stack.get(index));
            heap.stack.push_checked(arg);
        }
    }
}

/// Whether a jet that is cheap under that condition is so with these arguments.
fn is_cheap_with(vm: &Vm, (jet, when): (u32, CheapCondition), args: &[Word]) -> bool {
    let demands = vm.jets.get(jet).demands;
    args.iter().zip(demands).enumerate().all(|(index, (arg, demand))| match when {
        CheapCondition::OnShortKey if index == 0 => is_short_key(&vm.heap, *arg),
        CheapCondition::OnShortKey => *demand == ArgDemand::Lazy || !arg.is_thunk(),
        CheapCondition::OnNats => arg.is_direct(),
        CheapCondition::OnExponents => arg.as_direct().is_some_and(|nat| nat < EXPONENT_LIMIT),
        CheapCondition::OnU64 => vm.heap.is_u64(*arg),
        CheapCondition::Always => {
            arg.kind() != WordKind::Big && (*demand == ArgDemand::Lazy || !arg.is_thunk())
        }
    })
}
