//! What a cog's evaluations say: put into words at once, held until the event they belong to is
//! durable.

use crate::clock::Clock;
use crate::console::{Console, Notice, Who};
use crate::error::Abort;
use crate::settings::Settings;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use vm::{Stop, Vm};

/// How many bytes of words one evaluation may make; what is more is counted and dropped.
const LIMIT: usize = 64 << 20;

/// Something said.
pub(crate) enum Said {
    /// Words for a trace or a crash.
    Text(String),
    /// Something else.
    Notice(Notice),
}

impl Said {
    /// The words for an evaluation that ended without a value.
    pub(crate) fn of_stop(settings: &Settings, vm: &Vm, who: Who, stop: &Stop) -> Said {
        match stop {
            Stop::Crash { op, arg } => {
                let (op, arg) = (vm.look(op), vm.look(arg));
                let now = settings.clock.now();
                Said::Text(settings.console.crash_text(who, op, arg, now))
            }
            Stop::Interrupted => Said::Notice(Notice::TimedOut(who)),
            Stop::Loop => Said::Notice(Notice::Aborted(who, Abort::Loop)),
            Stop::StackFull => Said::Notice(Notice::Aborted(who, Abort::Stack)),
            Stop::HeapFull | Stop::TooLarge { .. } => {
                Said::Notice(Notice::Aborted(who, Abort::Memory))
            }
            Stop::Damaged { .. } => Said::Notice(Notice::Damaged(who, stop.to_string())),
        }
    }

    /// Shows it.
    pub(crate) fn show(&self, console: &dyn Console) {
        match self {
            Said::Text(text) => console.show(text),
            Said::Notice(notice) => console.notice(notice),
        }
    }
}

#[derive(Default)]
struct Held {
    silent: bool,
    said: Vec<Said>,
    bytes: usize,
    dropped: u64,
}

/// What was said since it was last asked. Clones are the same.
#[derive(Clone, Default)]
pub(crate) struct Traces(Rc<RefCell<Held>>);

impl Traces {
    /// Collects the traces of a heap's evaluations.
    pub(crate) fn attach(&self, vm: &mut Vm, console: &Arc<dyn Console>, clock: &Arc<dyn Clock>) {
        let (traces, console, clock) = (self.clone(), Arc::clone(console), Arc::clone(clock));
        vm.on_trace(move |message| {
            if !traces.0.borrow().silent {
                traces.push(Said::Text(console.trace_text(message, clock.now())));
            }
        });
    }

    /// Whether traces are dropped, as they are during a replay.
    pub(crate) fn silence(&self, silent: bool) {
        self.0.borrow_mut().silent = silent;
    }

    /// Adds to what was said.
    pub(crate) fn push(&self, said: Said) {
        let held = &mut *self.0.borrow_mut();
        if let Said::Text(text) = &said {
            if held.bytes + text.len() > LIMIT {
                held.dropped += 1;
                return;
            }
            held.bytes += text.len();
        }
        held.said.push(said);
    }

    /// What was said since this was last called.
    pub(crate) fn take(&self) -> Vec<Said> {
        let held = &mut *self.0.borrow_mut();
        held.bytes = 0;
        let mut said = std::mem::take(&mut held.said);
        if held.dropped > 0 {
            said.push(Said::Notice(Notice::TracesDropped(std::mem::take(&mut held.dropped))));
        }
        said
    }
}
