//! The watchdog by a manual clock: no test waits for wall time.

use super::*;
use crate::clock::ManualClock;
use jiff::Timestamp;
use plan::raw::Interrupt;

const SECOND: Duration = Duration::from_secs(1);

/// A watchdog, and the clock that it measures by.
fn watchdog() -> (Watchdog, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::standing(Timestamp::UNIX_EPOCH));
    let as_dyn: Arc<dyn Clock> = clock.clone();
    (Watchdog::start(&as_dyn).expect("a thread"), clock)
}

/// An interrupt of a heap, and the handle of the watchdog.
fn interrupt() -> (Interrupt, InterruptHandle) {
    let interrupt = Interrupt::default();
    let handle = interrupt.request_handle();
    (interrupt, handle)
}

/// Blocks until the watchdog's thread has made a request.
fn wait_for(interrupt: &Interrupt) {
    while !interrupt.is_pending() {
        thread::yield_now();
    }
}

/// Blocks until the watchdog's thread has looked at all deadlines that are over: it interrupts a
/// watch without time, which has the highest number, last.
fn wait_for_thread(watchdog: &Watchdog) {
    let (interrupt, handle) = interrupt();
    let watch = watchdog.watch(&handle, Some(Duration::ZERO));
    // The thread wakes for the earliest deadline, and this one is.
    wait_for(&interrupt);
    assert!(watch.finish().is_some());
}

#[test]
fn an_evaluation_is_interrupted_at_its_limit_and_not_before() {
    let (watchdog, clock) = watchdog();
    let (interrupt, handle) = interrupt();
    let watch = watchdog.watch(&handle, Some(10 * SECOND));
    clock.advance(10 * SECOND - Duration::from_nanos(1));
    wait_for_thread(&watchdog);
    assert!(!interrupt.is_pending());
    clock.advance(Duration::from_nanos(1));
    wait_for(&interrupt);
    assert_eq!(watch.finish(), Some(Interruption::TimeLimit));
    assert!(!interrupt.is_pending(), "the next evaluation must not find the request");
}

#[test]
fn a_finished_evaluation_is_not_interrupted() {
    let (watchdog, clock) = watchdog();
    let (finished, running) = (interrupt(), interrupt());
    let first = watchdog.watch(&finished.1, Some(SECOND));
    let second = watchdog.watch(&running.1, Some(2 * SECOND));
    assert_eq!(first.finish(), None);
    clock.advance(2 * SECOND);
    wait_for(&running.0);
    assert!(!finished.0.is_pending());
    assert_eq!(second.finish(), Some(Interruption::TimeLimit));
}

#[test]
fn each_evaluation_has_its_own_limit() {
    let (watchdog, clock) = watchdog();
    let interrupts: Vec<_> = (0..4).map(|_| interrupt()).collect();
    let watches: Vec<_> = (0..4)
        .map(|index| {
            let limit = SECOND * (4 - index as u32);
            let watch = watchdog.watch(&interrupts[index].1, Some(limit));
            // The thread sleeps until a later deadline, and has to wake up for this one.
            assert_eq!(clock.wait_for_timer(limit), limit);
            watch
        })
        .collect();
    for index in (0..4).rev() {
        clock.advance(SECOND);
        wait_for(&interrupts[index].0);
        assert!(interrupts[..index].iter().all(|it| !it.0.is_pending()));
    }
    for watch in watches {
        assert_eq!(watch.finish(), Some(Interruption::TimeLimit));
    }
}

#[test]
fn a_shutdown_interrupts_running_and_later_evaluations() {
    let (watchdog, clock) = watchdog();
    let (running, later) = (interrupt(), interrupt());
    let first = watchdog.watch(&running.1, Some(3600 * SECOND));
    watchdog.shut_down_within(SECOND);
    wait_for_thread(&watchdog);
    assert!(!running.0.is_pending(), "the evaluation has its grace");
    clock.advance(SECOND);
    wait_for(&running.0);
    assert_eq!(first.finish(), Some(Interruption::Shutdown));
    let second = watchdog.watch(&later.1, Some(3600 * SECOND));
    wait_for(&later.0);
    assert_eq!(second.finish(), Some(Interruption::Shutdown));
}

#[test]
fn the_earliest_shutdown_counts() {
    let (watchdog, clock) = watchdog();
    let (interrupt, handle) = interrupt();
    let watch = watchdog.watch(&handle, Some(3600 * SECOND));
    watchdog.shut_down_within(SECOND);
    watchdog.shut_down_within(1000 * SECOND);
    clock.advance(SECOND);
    wait_for(&interrupt);
    assert_eq!(watch.finish(), Some(Interruption::Shutdown));
}

#[test]
fn a_limit_that_is_no_limit_does_not_overflow() {
    let (watchdog, clock) = watchdog();
    let (_interrupt, handle) = interrupt();
    let watch = watchdog.watch(&handle, Some(Duration::MAX));
    clock.advance(3600 * SECOND);
    wait_for_thread(&watchdog);
    assert_eq!(watch.finish(), None);
}

#[test]
fn dropping_the_watchdog_ends_its_thread() {
    let (watchdog, clock) = watchdog();
    // A watch that is never finished, as after a panic.
    let _ = watchdog.watch(&interrupt().1, Some(SECOND));
    drop(watchdog);
    assert_eq!(Arc::strong_count(&clock), 1, "the thread holds the clock as long as it runs");
}

#[test]
fn a_process_that_is_stopped_keeps_the_time_of_its_evaluations() {
    let (watchdog, clock) = watchdog();
    let (interrupt, handle) = interrupt();
    let watch = watchdog.watch(&handle, Some(30 * SECOND));
    clock.advance(10 * SECOND);
    clock.stop_for(35 * SECOND);
    // The thread wakes, and finds that 20 s are left.
    assert_eq!(clock.wait_for_timer(30 * SECOND), 20 * SECOND);
    wait_for_thread(&watchdog);
    assert!(!interrupt.is_pending());
    clock.advance(20 * SECOND);
    wait_for(&interrupt);
    assert_eq!(watch.finish(), Some(Interruption::TimeLimit));
}

#[test]
fn without_a_limit_only_a_shutdown_interrupts() {
    let (watchdog, clock) = watchdog();
    let (interrupt, handle) = interrupt();
    let watch = watchdog.watch(&handle, None);
    clock.advance(3600 * SECOND);
    wait_for_thread(&watchdog);
    assert!(!interrupt.is_pending());
    watchdog.shut_down_within(Duration::ZERO);
    wait_for(&interrupt);
    assert_eq!(watch.finish(), Some(Interruption::Shutdown));
}

#[test]
fn a_slice_ends_with_a_request_to_suspend() {
    let (watchdog, clock) = watchdog();
    let watchdog = Arc::new(watchdog);
    let (interrupt, handle) = interrupt();
    let watch = watchdog.watch_slices(handle, Some(10 * SECOND));
    for _ in 0..3 {
        watch.begin(Some(SECOND / 100));
        clock.advance(SECOND / 100);
        wait_for(&interrupt);
        assert!(interrupt.take_suspension() && !interrupt.is_pending());
        watch.pause();
    }
    assert_eq!(watch.finish(), None);
}

#[test]
fn only_the_slices_of_an_evaluation_count_towards_its_limit() {
    let (watchdog, clock) = watchdog();
    let watchdog = Arc::new(watchdog);
    let (interrupt, handle) = interrupt();
    let watch = watchdog.watch_slices(handle, Some(10 * SECOND));
    for _ in 0..9 {
        watch.begin(None);
        clock.advance(SECOND);
        watch.pause();
        // Other evaluations.
        clock.advance(20 * SECOND);
    }
    wait_for_thread(&watchdog);
    assert!(!interrupt.is_pending());
    watch.begin(None);
    clock.advance(SECOND);
    wait_for(&interrupt);
    // The request is made again if the evaluation was suspended before it saw it.
    watch.pause();
    assert!(!interrupt.is_pending());
    watch.begin(Some(SECOND));
    assert!(interrupt.is_requested());
    assert_eq!(watch.finish(), Some(Interruption::TimeLimit));
    assert!(!interrupt.is_pending());
}

#[test]
fn a_shutdown_does_not_stop_an_evaluation_that_is_suspended() {
    let (watchdog, clock) = watchdog();
    let watchdog = Arc::new(watchdog);
    let (interrupt, handle) = interrupt();
    let watch = watchdog.watch_slices(handle, None);
    watch.begin(None);
    watch.pause();
    watchdog.shut_down_within(SECOND);
    clock.advance(SECOND);
    wait_for_thread(&watchdog);
    assert!(!interrupt.is_pending());
    watch.begin(None);
    wait_for(&interrupt);
    assert_eq!(watch.finish(), Some(Interruption::Shutdown));
}
