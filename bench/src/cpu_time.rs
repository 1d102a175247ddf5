//! The CPU time of another process.

use anyhow::{Context, Result};
use std::time::Duration;

/// The CPU time that a process and its threads have used, in user and in system mode. The system
/// counts it in ticks of some milliseconds.
///
/// # Errors
/// If the process has ended.
pub fn cpu_time(process: u32) -> Result<Duration> {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    let ticks = ticks(&text).context("the system's format of /proc/PID/stat")?;
    Ok(Duration::from_secs_f64(ticks as f64 / rustix::param::clock_ticks_per_second() as f64))
}

/// The sum of the fields `utime` and `stime`. The second field is a name in parentheses, in which any
/// characters may be. (Linux: proc_pid_stat(5))
fn ticks(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let mut field = || fields.next()?.parse::<u64>().ok();
    Some(field()? + field()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_fields_behind_the_name() {
        let stat = "7 (a ) b) S 1 2 3 4 5 6 7 8 9 10 250 40 0 0 20 0 1";
        assert_eq!(ticks(stat), Some(290));
        assert_eq!(ticks("7 (a"), None);
    }
}
