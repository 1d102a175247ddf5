//! The order in which a compiling thread takes jobs.
//!
//! The smallest comes first, since it costs least and so pays off soonest. But the units of nested loops
//! contain each other: where the loop around a small unit waits as well, and is not much larger, its code
//! replaces both, so that comes first.

use super::compiler::CompileJob;
use std::sync::mpsc::Receiver;

/// A unit that contains the smallest one comes first if it is at most this many times as large.
const CONTAINING_LIMIT: usize = 4;

/// The jobs that wait for a compiling thread.
pub(super) struct WaitingJobs<'r> {
    arriving: &'r Receiver<CompileJob>,
    /// Those that have arrived, with the sizes of their units.
    arrived: Vec<(usize, CompileJob)>,
}

impl<'r> WaitingJobs<'r> {
    pub(super) fn new(arriving: &'r Receiver<CompileJob>) -> WaitingJobs<'r> {
        WaitingJobs { arriving, arrived: Vec::new() }
    }

    /// Takes a job. Waits if there is none. None if there will be no more.
    pub(super) fn next(&mut self) -> Option<CompileJob> {
        let sized = |job: CompileJob| (job.request.size(), job);
        if self.arrived.is_empty() {
            self.arrived.push(sized(self.arriving.recv().ok()?));
        }
        self.arrived.extend(self.arriving.try_iter().map(sized));
        // The first of two of the same size stays the first.
        self.arrived.sort_by_key(|(size, _)| *size);
        let sizes: Vec<usize> = self.arrived.iter().map(|(size, _)| *size).collect();
        let request = |index: usize| &self.arrived[index].1.request;
        let first =
            first_job(&sizes, |outer, inner| request(outer).contains_law_of(request(inner)));
        Some(self.arrived.remove(first).1)
    }
}

/// Returns the index of the job that comes first, of jobs with these sizes in ascending order. `contains` says
/// whether the unit of a job contains the law of another.
fn first_job(sizes: &[usize], contains: impl Fn(usize, usize) -> bool) -> usize {
    let limit = sizes.first().map_or(0, |smallest| smallest * CONTAINING_LIMIT);
    let candidates = 1..sizes.partition_point(|size| *size <= limit);
    candidates.fold(0, |first, job| if contains(job, first) { job } else { first })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The job that comes first where each law of `nested` is part of those after it.
    fn first(sizes: &[usize], nested: &[usize]) -> usize {
        let place = |job| nested.iter().position(|nested| *nested == job);
        first_job(sizes, |outer, inner| {
            place(outer).is_some_and(|outer| place(inner).is_some_and(|inner| inner < outer))
        })
    }

    #[test]
    fn the_smallest_job_comes_first() {
        assert_eq!(first(&[7], &[]), 0);
        assert_eq!(first(&[7, 7, 30], &[]), 0);
        // The larger two contain each other.
        assert_eq!(first(&[7, 20, 25], &[1, 2]), 0);
    }

    #[test]
    fn a_job_that_contains_the_smallest_comes_before_it() {
        assert_eq!(first(&[7, 20, 25], &[0, 2]), 2);
        assert_eq!(first(&[7, 20, 25], &[0, 1, 2]), 2);
        // One of the same size.
        assert_eq!(first(&[7, 7], &[0, 1]), 1);
    }

    #[test]
    fn a_job_that_is_much_larger_than_the_smallest_does_not_come_first() {
        assert_eq!(first(&[7, 28, 29], &[0, 1, 2]), 1);
        assert_eq!(first(&[7, 29], &[0, 1]), 0);
    }

    #[test]
    fn of_two_jobs_that_contain_each_other_the_larger_comes_first() {
        assert_eq!(first_job(&[7, 8], |_, _| true), 1);
    }
}
