//! The workers that run: their threads, and the way to reach them.

use crate::driver::{self, Context, Identity, ToDriver};
use crate::error::SystemError;
use crate::job::{JobPool, Task};
use crate::leash::Leash;
use crate::workers::Spec;
use crossbeam_channel::{Sender, unbounded};
use std::collections::HashMap;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

struct Running {
    leash: Arc<Leash>,
    /// A driver's address and thread; a job has none of its own.
    driver: Option<(Sender<ToDriver>, JoinHandle<()>)>,
}

/// The crew. Dropping it ends all workers and waits for their threads.
pub(crate) struct Crew {
    context: Arc<Context>,
    jobs: JobPool,
    running: HashMap<u64, Running>,
    /// Threads that were told to end.
    leaving: Vec<JoinHandle<()>>,
}

impl Crew {
    /// A crew of nobody.
    pub(crate) fn new(context: Context) -> Crew {
        let jobs = JobPool::new(&context.settings, context.control.clone());
        Crew { context: Arc::new(context), jobs, running: HashMap::new(), leaving: Vec::new() }
    }

    /// Starts a worker.
    pub(crate) fn start(&mut self, worker: u64, slot: u64, spec: Spec) -> Result<(), SystemError> {
        let leash = Arc::new(Leash::default());
        let driver = match spec {
            Spec::Job(job) => {
                let leash = Arc::clone(&leash);
                self.jobs.submit(Task { worker, slot, job, leash })?;
                None
            }
            Spec::Driver(initial) => {
                let (address, inbox) = unbounded();
                let context = Arc::clone(&self.context);
                let identity =
                    Identity { worker, slot, leash: Arc::clone(&leash), address: address.clone() };
                let thread = thread::Builder::new()
                    .name(format!("pallas-driver-{slot}"))
                    .spawn(move || driver::run(&context, &identity, &initial, &inbox))
                    .map_err(SystemError::new("start a thread"))?;
                Some((address, thread))
            }
        };
        self.running.insert(worker, Running { leash, driver });
        Ok(())
    }

    /// Tells a driver something.
    pub(crate) fn tell(&self, worker: u64, what: ToDriver) {
        if let Some(Running { driver: Some((address, _)), .. }) = self.running.get(&worker) {
            // A driver that has just been ended hears nothing.
            let _ = address.send(what);
        }
    }

    /// Ends a worker, without waiting for it; or forgets a job that is done.
    pub(crate) fn end(&mut self, worker: u64) {
        if let Some(running) = self.running.remove(&worker) {
            running.leash.end();
            if let Some((address, thread)) = running.driver {
                let _ = address.send(ToDriver::End);
                self.leaving.retain(|thread| !thread.is_finished());
                self.leaving.push(thread);
            }
        }
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        let workers: Vec<u64> = self.running.keys().copied().collect();
        workers.into_iter().for_each(|worker| self.end(worker));
        for thread in self.leaving.drain(..) {
            // A panic has been reported by the driver's guard.
            let _ = thread.join();
        }
    }
}
