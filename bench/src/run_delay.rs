//! How long threads wait for a processor, as the scheduler counts it.

use anyhow::{Context, Result};
use std::fs;
use std::time::Duration;

/// How long the threads of a process have waited for a processor since they began, in sum. The system
/// counts a wait when it is over.
///
/// # Errors
/// If the process has ended.
pub fn run_delay(process: u32) -> Result<Duration> {
    let mut sum = Duration::ZERO;
    for thread in fs::read_dir(format!("/proc/{process}/task"))? {
        // A thread may have ended meanwhile.
        let Ok(text) = fs::read_to_string(thread?.path().join("schedstat")) else { continue };
        sum += delay(&text)?;
    }
    Ok(sum)
}

/// How long the calling thread has waited for a processor since it began.
///
/// # Errors
/// If the system does not count this.
pub fn run_delay_of_thread() -> Result<Duration> {
    delay(&fs::read_to_string("/proc/thread-self/schedstat")?)
}

/// How long the virtual machine has waited for its host's processors since it was started. The system
/// counts this in ticks of some milliseconds.
///
/// # Errors
/// If the system does not count this.
pub fn stolen_time() -> Result<Duration> {
    let ticks = stolen_ticks(&fs::read_to_string("/proc/stat")?);
    let ticks = ticks.context("the system's format of /proc/stat")?;
    Ok(Duration::from_secs_f64(ticks as f64 / rustix::param::clock_ticks_per_second() as f64))
}

/// The field `steal` of the first line, which is about all processors. (Linux: proc_stat(5))
fn stolen_ticks(stat: &str) -> Option<u64> {
    let line = stat.lines().next()?.strip_prefix("cpu ")?;
    line.split_whitespace().nth(7)?.parse().ok()
}

/// The second field, in nanoseconds. (Linux: Documentation/scheduler/sched-stats.rst)
fn delay(schedstat: &str) -> Result<Duration> {
    let field = schedstat.split_whitespace().nth(1).and_then(|field| field.parse().ok());
    field.map(Duration::from_nanos).context("the system's format of /proc/PID/schedstat")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_second_field() {
        assert_eq!(delay("250 40 7\n").expect("it is complete"), Duration::from_nanos(40));
        assert!(delay("250").is_err());
    }

    #[test]
    fn reads_the_time_of_the_host() {
        assert_eq!(stolen_ticks("cpu  1 2 3 4 5 6 7 8 9 10\ncpu0 1 2 3 4\n"), Some(8));
        assert_eq!(stolen_ticks("cpu0 1 2 3 4 5 6 7 8"), None);
    }
}
