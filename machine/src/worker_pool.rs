//! The running workers of a machine.

use crate::cancellation::CancellationToken;
use crate::conventions::JobResultForm;
use crate::driver::{DriverContext, DriverPool};
use crate::error::SystemError;
use crate::job::{JobPool, JobTask};
use crate::message::{DriverMessage, WorkerCalls};
use crate::worker_sampling::WorkerSampling;
use crate::worker_table::{DriverBatch, NewJob};
use crossbeam_channel::Sender;
use profile::SampledProfile;
use std::collections::HashMap;
use std::sync::Arc;
use vm::SamplingOptions;

/// The running workers, by number. Dropping the pool cancels all of them and waits for their
/// threads.
pub(crate) struct WorkerPool {
    drivers: DriverPool,
    jobs: JobPool,
    job_tokens: HashMap<u64, Arc<CancellationToken>>,
    sampling: Arc<WorkerSampling>,
}

impl WorkerPool {
    /// A pool without workers, whose jobs have results in this form.
    pub(crate) fn new(context: DriverContext, job_results: JobResultForm) -> WorkerPool {
        let DriverContext { settings, watchdog, sampling, control, .. } = &context;
        let sampling = Arc::clone(sampling);
        let jobs = JobPool::new(settings, watchdog, &sampling, job_results, control.clone());
        let drivers = DriverPool::new(&Arc::new(context));
        WorkerPool { drivers, jobs, job_tokens: HashMap::new(), sampling }
    }

    /// Starts drivers.
    pub(crate) fn start_drivers(&mut self, batch: DriverBatch) -> Result<(), SystemError> {
        self.drivers.start(batch)
    }

    /// Starts a job.
    pub(crate) fn start_job(&mut self, new: NewJob) -> Result<(), SystemError> {
        let NewJob { worker, slot, job } = new;
        let token = Arc::new(CancellationToken::default());
        self.job_tokens.insert(worker, Arc::clone(&token));
        self.jobs.submit(JobTask { worker, slot, job, token })
    }

    /// Sends a message to a driver, whose thread is notified by
    /// [`notify_drivers`](WorkerPool::notify_drivers). Has no effect if the driver has ended.
    pub(crate) fn send(&mut self, worker: u64, message: DriverMessage) {
        self.drivers.send(worker, message);
    }

    /// Has all drivers list their open calls, at most `limit` calls of each.
    pub(crate) fn list_calls(&mut self, limit: usize, list: &Sender<WorkerCalls>) {
        self.drivers.list_calls(limit, list);
    }

    /// Has the runtimes of the workers take a profile.
    pub(crate) fn begin_profile(&mut self, options: SamplingOptions) {
        self.sampling.begin(options);
        self.drivers.begin_profile(options);
    }

    /// Has the runtimes of the workers end the profile, and send it.
    pub(crate) fn end_profile(&mut self, profiles: &Sender<SampledProfile>) {
        self.sampling.end(profiles);
        self.drivers.end_profile(profiles);
    }

    /// Whether no job is being computed, and no driver can do anything before another message is sent
    /// to one. All requests that the drivers have made are in the event loop's queue then.
    pub(crate) fn is_dormant(&self) -> bool {
        self.job_tokens.is_empty() && self.drivers.is_dormant()
    }

    /// Wakes the threads of drivers to which messages were sent since the last time.
    pub(crate) fn notify_drivers(&mut self) {
        self.drivers.notify();
    }

    /// Cancels a worker, without waiting for it. Of a job that is done, it removes the entry.
    pub(crate) fn cancel(&mut self, worker: u64) {
        match self.job_tokens.remove(&worker) {
            Some(token) => token.cancel(),
            None => self.drivers.cancel(worker),
        }
    }
}

impl Drop for WorkerPool {
    fn drop(&mut self) {
        // The fields cancel the drivers, and wait for the threads of both.
        self.job_tokens.values().for_each(|token| token.cancel());
    }
}
