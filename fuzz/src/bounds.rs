//! Limits: runtimes with little memory, time limits of evaluations, sizes of values.

use plan::{HeapOptions, InterruptHandle, Ref, Shape};
use runtime::RuntimeBuilder;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use vm::Vm;
use vm::jet::JetTable;

/// An interpreter that uses at most 32 MB. `stress` collects garbage at every allocation.
pub(crate) fn small_vm(jets: Arc<JetTable>, stress: bool) -> Vm {
    small_vm_with(RuntimeBuilder::bare().jets(jets), stress, 1 << 20)
}

/// A small runtime, with a stack of `max_stack` bytes.
pub(crate) fn small_vm_with(builder: RuntimeBuilder, stress: bool, max_stack: usize) -> Vm {
    let options = HeapOptions { nursery: 1 << 16, max_heap: 1 << 24, max_stack, stress };
    let runtime = builder.heap(options).build();
    runtime.expect("the stack can be reserved, and the compiler supports this machine").into()
}

/// A time limit of a runtime. When it is over, the current evaluation is interrupted, and every
/// later evaluation too, until this value is dropped.
pub(crate) struct TimeLimit(u64);

/// A limit that the watchdog thread checks.
struct Watched {
    number: u64,
    deadline: Instant,
    handle: InterruptHandle,
}

static WATCHED: Mutex<Vec<Watched>> = Mutex::new(Vec::new());
static NEXT_NUMBER: AtomicU64 = AtomicU64::new(0);
static WATCHDOG: Once = Once::new();

impl TimeLimit {
    /// Starts a limit that ends after `limit`.
    pub(crate) fn start(vm: &Vm, limit: Duration) -> TimeLimit {
        WATCHDOG.call_once(|| {
            thread::spawn(watch);
        });
        let (number, deadline) =
            (NEXT_NUMBER.fetch_add(1, Ordering::Relaxed), Instant::now() + limit);
        watched().push(Watched { number, deadline, handle: vm.interrupt_handle() });
        TimeLimit(number)
    }
}

impl Drop for TimeLimit {
    fn drop(&mut self) {
        watched().retain(|watched| watched.number != self.0);
    }
}

fn watched() -> MutexGuard<'static, Vec<Watched>> {
    WATCHED.lock().unwrap_or_else(PoisonError::into_inner)
}

fn watch() {
    loop {
        thread::sleep(Duration::from_millis(5));
        let now = Instant::now();
        for watched in watched().iter().filter(|watched| now >= watched.deadline) {
            watched.handle.request_stop();
        }
    }
}

/// Whether a value in normal form has at most `parts` parts. A shared part counts as often as it
/// occurs, because hashing and comparing visit it as often.
pub(crate) fn has_at_most(value: Ref<'_>, parts: usize) -> bool {
    let mut left = parts;
    let mut pending = vec![value];
    while let Some(value) = pending.pop() {
        let Some(rest) = left.checked_sub(1) else { return false };
        left = rest;
        match value.shape() {
            Shape::Thunk => unreachable!("the value is in normal form"),
            Shape::Pin(pin) => pending.push(pin.item()),
            _ => value.push_parts(&mut pending),
        }
    }
    true
}
