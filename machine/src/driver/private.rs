//! [`PrivateRuntimes`]: runtimes, each of one driver at a time, for calls and values that are too
//! large for the runtimes that drivers share.
//!
//! Each runtime has a thread. It keeps the value of the driver that it worked for last. If more
//! drivers are idle than the settings allow, the value of the one that has been idle longest goes
//! back to its thread as bytes. If [`MOST_AT_WORK`] runtimes are at work, a task waits for the first
//! to end its work.
//!
//! Lock order: the table's lock is the only one, and no message is sent under it except tasks.

use super::DriverContext;
use super::inbox::{PrivateReport, PrivateTask, ThreadMessage};
use super::private_runtime::PrivateRuntime;
use crate::error::SystemError;
use crate::message::ControlMessage;
use crossbeam_channel::{Receiver, Sender, unbounded};
use parking_lot::Mutex;
use std::collections::{HashMap, VecDeque};
use std::mem;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

/// The most runtimes, and so the most drivers that are at work in one at a time.
const MOST_AT_WORK: usize = 64;

/// Why a task cannot be done.
pub(super) enum SubmitError {
    /// The driver's value is on its way back to its thread. The task belongs to the caller again.
    ValueIsOnItsWay(PrivateTask),
    /// The system refused a thread.
    System(SystemError),
}

/// A message to the thread of a runtime.
enum RuntimeCommand {
    /// Do a task. If it comes with a value, give back the one that the runtime has.
    Run(PrivateTask),
    /// Drop the value, whose driver has ended or begun anew.
    Drop,
    /// Give back the value, whose driver has been idle for long.
    GiveBack,
    /// End the samples of a profile that has ended.
    AlignProfile,
}

/// The runtimes and the tasks that wait for one.
#[derive(Default)]
struct RuntimeTable {
    runtimes: Vec<RuntimeEntry>,
    /// The index of the runtime that has a driver's value, or is at work for the driver, by the
    /// driver's number.
    index_of: HashMap<u64, usize>,
    /// Tasks that come with a value, and wait for a runtime.
    queue: VecDeque<PrivateTask>,
    /// Counts ends of tasks.
    now: u64,
}

struct RuntimeEntry {
    /// None when the runtimes end.
    commands: Option<Sender<RuntimeCommand>>,
    /// The driver whose value the runtime has, or for which it is at work.
    driver: Option<u64>,
    is_at_work: bool,
    last_use: u64,
    thread: Option<JoinHandle<()>>,
}

impl RuntimeTable {
    /// Gives a runtime, which is not at work, to the driver of a task, and has it do the task.
    fn assign(&mut self, index: usize, task: PrivateTask) {
        let entry = &mut self.runtimes[index];
        let worker = task.driver.worker;
        if let Some(former) = entry.driver.replace(worker).filter(|former| *former != worker) {
            self.index_of.remove(&former);
        }
        self.index_of.insert(worker, index);
        entry.is_at_work = true;
        if let Some(commands) = &entry.commands {
            // The thread receives until the sender is dropped.
            let _ = commands.send(RuntimeCommand::Run(task));
        }
    }

    /// A runtime that has no driver.
    fn free(&self) -> Option<usize> {
        self.runtimes.iter().position(|entry| !entry.is_at_work && entry.driver.is_none())
    }

    /// The runtimes that have a driver and are not at work.
    fn idle(&self) -> impl Iterator<Item = (usize, &RuntimeEntry)> {
        let entries = self.runtimes.iter().enumerate();
        entries.filter(|(_, entry)| !entry.is_at_work && entry.driver.is_some())
    }

    /// The runtime whose driver has been idle longest.
    fn idle_longest(&self) -> Option<usize> {
        self.idle().min_by_key(|(_, entry)| entry.last_use).map(|(index, _)| index)
    }

    /// Has the runtime whose driver has been idle longest give its value back, if more than `most`
    /// drivers are idle.
    fn limit_idle(&mut self, most: usize) {
        if self.idle().count() <= most {
            return;
        }
        let Some(index) = self.idle_longest() else { return };
        let entry = &mut self.runtimes[index];
        if let Some(worker) = entry.driver.take() {
            self.index_of.remove(&worker);
        }
        if let Some(commands) = &entry.commands {
            let _ = commands.send(RuntimeCommand::GiveBack);
        }
    }
}

/// See the module's overview.
pub(super) struct PrivateRuntimes {
    context: Arc<DriverContext>,
    table: Mutex<RuntimeTable>,
}

impl PrivateRuntimes {
    pub(super) fn new(context: &Arc<DriverContext>) -> PrivateRuntimes {
        PrivateRuntimes { context: Arc::clone(context), table: Mutex::default() }
    }

    /// Has a runtime do a task. A driver has one task at a time. The report goes to its thread.
    ///
    /// # Errors
    /// See [`SubmitError`].
    pub(super) fn submit(self: &Arc<Self>, task: PrivateTask) -> Result<(), SubmitError> {
        let table = &mut *self.table.lock();
        if let Some(index) = table.index_of.get(&task.driver.worker) {
            table.assign(*index, task);
            return Ok(());
        }
        if task.value.is_none() {
            return Err(SubmitError::ValueIsOnItsWay(task));
        }
        let index = match table.free() {
            None if table.runtimes.len() < MOST_AT_WORK => {
                let entry = self.start(table.runtimes.len()).map_err(SubmitError::System)?;
                table.runtimes.push(entry);
                Some(table.runtimes.len() - 1)
            }
            free => free.or_else(|| table.idle_longest()),
        };
        match index {
            Some(index) => table.assign(index, task),
            None => table.queue.push_back(task),
        }
        Ok(())
    }

    /// Drops what a runtime has of a driver that has ended or begins anew.
    pub(super) fn release(&self, worker: u64) {
        let table = &mut *self.table.lock();
        table.queue.retain(|task| task.driver.worker != worker);
        let Some(index) = table.index_of.remove(&worker) else { return };
        let entry = &mut table.runtimes[index];
        entry.driver = None;
        // A runtime at work drops the value itself when it finds that it has no driver.
        if let Some(commands) = entry.commands.as_ref().filter(|_| !entry.is_at_work) {
            let _ = commands.send(RuntimeCommand::Drop);
        }
    }

    /// Has the runtimes that have no work look whether a profile has ended.
    pub(super) fn align_profiles(&self) {
        let table = &*self.table.lock();
        for commands in table.runtimes.iter().filter_map(|entry| entry.commands.as_ref()) {
            let _ = commands.send(RuntimeCommand::AlignProfile);
        }
    }

    /// Ends the threads. Their drivers were cancelled before.
    pub(super) fn shut_down(&self) {
        let runtimes = {
            let table = &mut *self.table.lock();
            table.queue.clear();
            table.runtimes.iter_mut().for_each(|entry| entry.commands = None);
            mem::take(&mut table.runtimes)
        };
        for thread in runtimes.into_iter().filter_map(|entry| entry.thread) {
            // The thread's guard has reported a panic.
            let _ = thread.join();
        }
    }

    fn start(self: &Arc<Self>, index: usize) -> Result<RuntimeEntry, SystemError> {
        let (sender, commands) = unbounded();
        let this = Arc::clone(self);
        let track = self.context.settings.track(&format!("private driver thread {}", index + 1));
        let thread = thread::Builder::new()
            .name("pallas-private".into())
            .spawn(move || {
                let _guard = ControlMessage::on_panic(&this.context.control, "a driver");
                let mut runtime = PrivateRuntime::new(&this.context, track);
                this.run(index, &mut runtime, &commands);
            })
            .map_err(SystemError::new("start a thread"))?;
        let (commands, thread) = (Some(sender), Some(thread));
        Ok(RuntimeEntry { commands, driver: None, is_at_work: false, last_use: 0, thread })
    }

    /// The thread of a runtime.
    fn run(&self, index: usize, runtime: &mut PrivateRuntime, commands: &Receiver<RuntimeCommand>) {
        for command in commands {
            match command {
                RuntimeCommand::Drop => runtime.drop_value(),
                RuntimeCommand::GiveBack => runtime.give_back(None),
                RuntimeCommand::AlignProfile => runtime.align_profile(),
                RuntimeCommand::Run(task) => {
                    let (from, report_to) = (task.origin(), task.report_to.clone());
                    if task.value.is_some() {
                        runtime.give_back(Some(from.worker));
                    }
                    let report = runtime.perform(task);
                    self.end_task(index, from.worker, runtime, &report);
                    // If the driver's thread has ended, it needs no report.
                    report_to.send(ThreadMessage::Report { from, report });
                }
            }
        }
    }

    /// Notes that a runtime has ended its work for a driver, and gives it the next task. The
    /// report is sent afterwards, so a next task of the driver finds the table up to date.
    fn end_task(
        &self,
        index: usize,
        worker: u64,
        runtime: &mut PrivateRuntime,
        report: &PrivateReport,
    ) {
        let table = &mut *self.table.lock();
        table.now += 1;
        let now = table.now;
        let Some(entry) = table.runtimes.get_mut(index) else { return };
        entry.is_at_work = false;
        entry.last_use = now;
        let has_value =
            matches!(report, PrivateReport::Requests { .. } | PrivateReport::ValueIsLarge);
        if entry.driver == Some(worker) && !has_value {
            entry.driver = None;
            table.index_of.remove(&worker);
        }
        if table.runtimes[index].driver.is_none() {
            runtime.drop_value();
        }
        match table.queue.pop_front() {
            Some(next) => table.assign(index, next),
            None => table.limit_idle(self.context.settings.drivers.private_runtimes),
        }
    }
}
