//! [`SharedRuntime`]: the runtime of one driver thread, in which the values of its drivers are, and
//! in which their calls are tried first.
//!
//! A call has a budget of CPU time, memory and stack here. A call that exceeds it is abandoned:
//! calls are pure, so the thread makes it again elsewhere. Its traces are held back until it has
//! ended, and dropped when it is abandoned.

use super::value::{MessageValue, call_driver};
use super::{DriverContext, SHARED_VALUE_WORDS};
use crate::cancellation::CancellationToken;
use crate::codec::{self, SeedBytes};
use crate::console::ReportOrigin;
use crate::error::SystemError;
use crate::packed::{PackedValue, PinLoader, PinPacker};
use crate::trace::{ConsoleMessage, TraceBuffer};
use crate::watchdog::Watchdog;
use plan::seed::LoadError;
use plan::{EvalError, Val, takes_more_words_than};
use profile::{ProfileTimer, ProfileTrack};
use std::sync::Arc;
use std::time::{Duration, Instant};
use vm::Vm;

/// The nursery of a shared runtime, in bytes.
const NURSERY: usize = 1 << 20;
/// The most stack that a call may use here, in bytes.
const CALL_STACK: usize = 64 << 20;
/// How many bytes of live data a call may add, about.
const CALL_MEMORY: usize = 64 << 20;

/// How a call in the shared runtime has ended.
pub(super) enum SharedOutcome {
    /// The driver's next value.
    Value(Val),
    /// The call failed, and would fail anywhere. The failure has been reported.
    Failed,
    /// The call needed a damaged pin. The heap must not be used any more.
    Damaged(EvalError),
    /// The call exceeded its budget, and nothing of it was shown.
    Abandoned,
    /// The driver was cancelled meanwhile.
    Cancelled,
}

/// A call that has ended in the shared runtime.
pub(super) struct SharedCall {
    pub(super) outcome: SharedOutcome,
    pub(super) took: Duration,
    /// Words that the call allocated.
    pub(super) allocated: u64,
}

/// See the module's overview.
pub(super) struct SharedRuntime {
    vm: Vm,
    /// The pins of drivers and of messages to them.
    pins: PinLoader,
    /// Packs the pins of their queries.
    packer: PinPacker,
    traces: TraceBuffer,
    context: Arc<DriverContext>,
    /// Ends calls that exceed the time of their budget.
    budget_watchdog: Arc<Watchdog>,
    /// Where calls are recorded, if they are.
    track: Option<ProfileTrack>,
    /// The limit of the heap, in bytes.
    max_heap: usize,
}

impl SharedRuntime {
    /// Makes an empty runtime.
    pub(super) fn new(
        context: &Arc<DriverContext>,
        budget_watchdog: &Arc<Watchdog>,
        track: Option<ProfileTrack>,
    ) -> Result<SharedRuntime, SystemError> {
        let settings = &context.settings;
        let mut vm = settings.runtime_with(track.as_ref(), |heap| {
            heap.nursery = heap.nursery.min(NURSERY);
            heap.max_stack = heap.max_stack.min(CALL_STACK);
        })?;
        let traces = TraceBuffer::default();
        traces.attach(&mut vm, &settings.console, &settings.clock);
        Ok(SharedRuntime {
            vm,
            pins: PinLoader::default(),
            packer: PinPacker::default(),
            traces,
            context: Arc::clone(context),
            budget_watchdog: Arc::clone(budget_watchdog),
            track,
            max_heap: settings.runtime.heap.max_heap,
        })
    }

    /// The heap.
    pub(super) fn heap(&self) -> &Vm {
        &self.vm
    }

    /// The heap, for profiles.
    pub(super) fn vm_mut(&mut self) -> &mut Vm {
        &mut self.vm
    }

    /// The heap, and what packs values of it.
    pub(super) fn packing(&mut self) -> (&Vm, &mut PinPacker) {
        (&self.vm, &mut self.packer)
    }

    /// Builds a value in the heap.
    pub(super) fn load(&mut self, value: &SeedBytes) -> Result<Val, LoadError> {
        self.vm.set_max_heap(self.max_heap);
        codec::deserialize(&mut self.vm, value)
    }

    /// Builds a value in the heap, which may have its pins already.
    pub(super) fn load_packed(&mut self, value: &PackedValue) -> Result<Val, LoadError> {
        self.vm.set_max_heap(self.max_heap);
        self.pins.load(&mut self.vm, value)
    }

    /// Calls a driver, whose value is `driver`, within the budget.
    pub(super) fn call(
        &mut self,
        (slot, token): (u64, &CancellationToken),
        driver: &Val,
        key: u64,
        message: &MessageValue,
    ) -> SharedCall {
        let (started, before) = (Instant::now(), self.vm.statistics().allocated);
        let outcome = self.try_call(slot, token, driver, key, message);
        if !matches!(outcome, SharedOutcome::Value(_) | SharedOutcome::Failed) {
            // Nothing of the call is shown.
            self.traces.take();
        }
        let allocated = self.vm.statistics().allocated - before;
        SharedCall { outcome, took: started.elapsed(), allocated }
    }

    fn try_call(
        &mut self,
        slot: u64,
        token: &CancellationToken,
        driver: &Val,
        key: u64,
        message: &MessageValue,
    ) -> SharedOutcome {
        let interrupt = self.vm.interrupt_handle();
        if !token.begin_evaluation(interrupt.clone()) {
            return SharedOutcome::Cancelled;
        }
        let used = self.vm.used_bytes();
        self.vm.set_max_heap(self.max_heap.min(used / 3 * 4 + CALL_MEMORY));
        let budget = self.context.settings.drivers.call_budget;
        let limit = self.context.settings.limits.driver.map_or(budget, |limit| budget.min(limit));
        let watch = self.budget_watchdog.watch(&interrupt, Some(limit));
        let timer = ProfileTimer::start(self.track.as_ref());
        let result = call_driver((&mut self.vm, &mut self.pins), driver, key, message);
        timer.span("evaluation", "call", || vec![("driver", slot.into())]);
        watch.finish();
        token.end_evaluation();
        match result {
            _ if token.is_cancelled() => SharedOutcome::Cancelled,
            _ if self.traces.has_dropped() => SharedOutcome::Abandoned,
            Ok(value) => {
                self.show_traces();
                SharedOutcome::Value(value)
            }
            Err(stop @ (EvalError::Crash { .. } | EvalError::Loop)) => {
                self.show_traces();
                let settings = &self.context.settings;
                let (vm, origin) = (&self.vm, ReportOrigin::Driver(slot));
                ConsoleMessage::of_failure(settings, vm, vm.call_chain(), origin, &stop)
                    .show(&*settings.console);
                SharedOutcome::Failed
            }
            Err(stop @ EvalError::Damaged { .. }) => SharedOutcome::Damaged(stop),
            Err(_) => SharedOutcome::Abandoned,
        }
    }

    fn show_traces(&self) {
        let console = &*self.context.settings.console;
        self.traces.take().iter().for_each(|message| message.show(console));
    }

    /// Whether a driver's value is too large for this runtime. Pins in it do not count: drivers
    /// share their code.
    pub(super) fn is_large(&self, driver: &Val) -> bool {
        takes_more_words_than(self.vm.look(driver), SHARED_VALUE_WORDS)
    }
}
