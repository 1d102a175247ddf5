//! The running workers of a machine: their threads, and the channels to them.

use crate::cancellation::CancellationToken;
use crate::conventions::JobResultForm;
use crate::driver::{self, DriverContext, DriverIdentity};
use crate::error::SystemError;
use crate::job::{JobPool, JobTask};
use crate::message::DriverMessage;
use crate::worker_table::WorkerSpec;
use crossbeam_channel::{Sender, unbounded};
use std::collections::HashMap;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

struct RunningWorker {
    token: Arc<CancellationToken>,
    /// A driver's channel and thread. A job has none of its own.
    driver: Option<(Sender<DriverMessage>, JoinHandle<()>)>,
}

/// The running workers, by number. Dropping the pool cancels all of them and waits for their
/// threads.
pub(crate) struct WorkerPool {
    context: Arc<DriverContext>,
    jobs: JobPool,
    running: HashMap<u64, RunningWorker>,
    /// Threads of cancelled drivers that may not have ended yet.
    ending: Vec<JoinHandle<()>>,
}

impl WorkerPool {
    /// A pool without workers, whose jobs have results in this form.
    pub(crate) fn new(context: DriverContext, job_results: JobResultForm) -> WorkerPool {
        let DriverContext { settings, watchdog, control, .. } = &context;
        let jobs = JobPool::new(settings, watchdog, job_results, control.clone());
        WorkerPool { context: Arc::new(context), jobs, running: HashMap::new(), ending: Vec::new() }
    }

    /// Starts a worker.
    pub(crate) fn start(
        &mut self,
        worker: u64,
        slot: u64,
        spec: WorkerSpec,
    ) -> Result<(), SystemError> {
        let token = Arc::new(CancellationToken::default());
        let driver = match spec {
            WorkerSpec::Job(job) => {
                let token = Arc::clone(&token);
                self.jobs.submit(JobTask { worker, slot, job, token })?;
                None
            }
            WorkerSpec::Driver(initial) => {
                let (address, inbox) = unbounded();
                let context = Arc::clone(&self.context);
                let token = Arc::clone(&token);
                let identity = DriverIdentity { worker, slot, token, address: address.clone() };
                let thread = thread::Builder::new()
                    .name(format!("pallas-driver-{slot}"))
                    .spawn(move || driver::run(&context, &identity, &initial, &inbox))
                    .map_err(SystemError::new("start a thread"))?;
                Some((address, thread))
            }
        };
        self.running.insert(worker, RunningWorker { token, driver });
        Ok(())
    }

    /// Sends a message to a driver. Has no effect if the driver has ended.
    pub(crate) fn send(&self, worker: u64, message: DriverMessage) {
        if let Some(RunningWorker { driver: Some((address, _)), .. }) = self.running.get(&worker) {
            // The driver may end at any time, and then needs no message.
            let _ = address.send(message);
        }
    }

    /// Cancels a worker, without waiting for it. Of a job that is done, it removes the entry.
    pub(crate) fn cancel(&mut self, worker: u64) {
        if let Some(running) = self.running.remove(&worker) {
            running.token.cancel();
            if let Some((address, thread)) = running.driver {
                let _ = address.send(DriverMessage::Shutdown);
                self.ending.retain(|thread| !thread.is_finished());
                self.ending.push(thread);
            }
        }
    }
}

impl Drop for WorkerPool {
    fn drop(&mut self) {
        let workers: Vec<u64> = self.running.keys().copied().collect();
        workers.into_iter().for_each(|worker| self.cancel(worker));
        for thread in self.ending.drain(..) {
            // The driver's guard has reported a panic.
            let _ = thread.join();
        }
    }
}
