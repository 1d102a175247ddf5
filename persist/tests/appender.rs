//! Appending from several threads, with the background committer.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use persist::sim::{InjectedFault, SimDisk, SurvivingWrites};
use persist::{LogAppender, LogError, Seq, Store, StoreSettings};
use support::small;

fn on_sim(settings: StoreSettings) -> (SimDisk, Store) {
    let disk = SimDisk::new();
    let store = Store::create_on(Arc::new(disk.clone()), settings).unwrap();
    (disk, store)
}

#[test]
fn events_of_many_threads_are_all_durable_in_each_threads_order() {
    let (disk, store) = on_sim(StoreSettings { log_segment: 1 << 16, ..small() });
    let before = disk.steps();
    let appender = store.appender().unwrap();
    let threads: Vec<_> = (0..8u8)
        .map(|thread| {
            let appender = appender.clone();
            thread::spawn(move || {
                for n in 0..100u8 {
                    let ticket = appender.submit(vec![thread, n]).unwrap();
                    if n % 10 == 9 {
                        ticket.wait().unwrap();
                    }
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(store.commit().unwrap(), Seq(800));
    println!("{} operations for 800 events", disk.steps() - before);

    let image = disk.crash(SurvivingWrites::Nothing);
    drop((appender, store));
    let store = Store::open_on(Arc::new(image), small()).unwrap();
    let mut next = [0u8; 8];
    for record in store.recover().unwrap().records {
        let payload = record.unwrap().payload;
        let (thread, n) = (payload[0] as usize, payload[1]);
        assert_eq!(next[thread], n, "each thread's events are in its order");
        next[thread] += 1;
    }
    assert_eq!(next, [100; 8]);
}

#[test]
fn callbacks_run_in_order_and_after_the_flush() {
    let (disk, store) = on_sim(small());
    let appender = store.appender().unwrap();
    let (send, receive) = mpsc::channel();
    for n in 0..50u8 {
        let (send, disk) = (send.clone(), disk.clone());
        let call = move |outcome: Result<Seq, LogError>| {
            send.send((outcome.unwrap(), disk.crash(SurvivingWrites::Nothing))).unwrap();
        };
        appender.append(vec![n; 30], call).unwrap();
    }
    drop(send);
    let called: Vec<(Seq, SimDisk)> = receive.iter().collect();
    drop((appender, store));
    for (expected, (seq, image)) in (1..=50).zip(called) {
        assert_eq!(seq, Seq(expected));
        let store = Store::open_on(Arc::new(image), small()).unwrap();
        assert!(store.last() >= seq);
    }
}

#[test]
fn a_callback_may_append_wait_and_panic() {
    let (_, store) = on_sim(small());
    let appender = store.appender().unwrap();
    let (send, receive) = mpsc::channel();
    let inner = appender.clone();
    let call = move |_| {
        let ticket = inner.submit(b"from a callback".to_vec()).unwrap();
        ticket.wait().unwrap();
        send.send(ticket.seq()).unwrap();
        panic!("an intended panic in a callback");
    };
    appender.append(b"first".to_vec(), call).unwrap();
    assert_eq!(receive.recv().unwrap(), Seq(2));
    assert_eq!(appender.submit(b"third".to_vec()).unwrap().seq(), Seq(3));
    store.wait_durable(Seq(3)).unwrap();
}

#[test]
fn an_event_is_committed_although_no_thread_waits() {
    let delay = Duration::from_millis(5);
    let (_, store) = on_sim(StoreSettings { commit_delay: delay, ..small() });
    let (send, receive) = mpsc::channel();
    let appender = store.appender().unwrap();
    appender.append(b"alone".to_vec(), move |outcome| send.send(outcome).unwrap()).unwrap();
    assert_eq!(receive.recv().unwrap().unwrap(), Seq(1));
}

#[test]
fn a_waiting_thread_ends_the_commit_delay() {
    // Otherwise the test would take an hour.
    let delay = Duration::from_secs(3600);
    let (_, store) = on_sim(StoreSettings { commit_delay: delay, ..small() });
    let appender = store.appender().unwrap();
    appender.submit(b"urgent".to_vec()).unwrap().wait().unwrap();
    appender.submit(b"not urgent".to_vec()).unwrap();
    store.close().unwrap();
}

#[test]
fn a_full_queue_commits_before_it_accepts_more() {
    let settings =
        StoreSettings { max_pending: 100, commit_delay: Duration::from_secs(3600), ..small() };
    let (_, store) = on_sim(settings);
    let appender = store.appender().unwrap();
    for _ in 0..50 {
        appender.submit(vec![0; 60]).unwrap();
    }
    assert_eq!(store.commit().unwrap(), Seq(50));
}

#[test]
fn a_failed_flush_reaches_every_callback_and_waiter() {
    let (disk, store) =
        on_sim(StoreSettings { commit_delay: Duration::from_secs(3600), ..small() });
    let appender = store.appender().unwrap();
    let (send, receive) = mpsc::channel();
    for _ in 0..3 {
        let send = send.clone();
        appender.append(b"doomed".to_vec(), move |outcome| send.send(outcome).unwrap()).unwrap();
    }
    disk.fail_at(disk.steps() + 2, InjectedFault::Io);
    assert!(matches!(store.wait_durable(Seq(3)), Err(LogError::Failed(_))));
    for _ in 0..3 {
        assert!(matches!(receive.recv().unwrap(), Err(LogError::Failed(_))));
    }
    assert!(matches!(appender.submit(vec![]), Err(LogError::Failed(_))));
}

#[test]
fn closing_commits_queued_events_and_rejects_later_ones() {
    let (disk, store) =
        on_sim(StoreSettings { commit_delay: Duration::from_secs(3600), ..small() });
    let appender = store.appender().unwrap();
    let (send, receive) = mpsc::channel();
    appender.append(b"last".to_vec(), move |outcome| send.send(outcome).unwrap()).unwrap();
    let ticket = appender.submit(b"very last".to_vec()).unwrap();
    store.close().unwrap();
    assert_eq!(receive.recv().unwrap().unwrap(), Seq(1));
    ticket.wait().unwrap();
    assert!(matches!(appender.submit(vec![]), Err(LogError::Closed { .. })));
    let store = Store::open_on(Arc::new(disk), small()).unwrap();
    assert_eq!(store.last(), Seq(2));
}

/// A store whose appending threads commit, however long commits take, after the first event.
fn committing_inline() -> (SimDisk, Store, LogAppender) {
    let (disk, store) = on_sim(StoreSettings { inline_commit: Duration::MAX, ..small() });
    let appender = store.appender().unwrap();
    // How long commits take is known only after the first.
    appender.submit(b"first".to_vec()).unwrap().wait().unwrap();
    (disk, store, appender)
}

#[test]
fn a_thread_commits_its_own_event_while_commits_are_fast() {
    let (disk, store, appender) = committing_inline();
    let own = thread::current().id();
    let (send, receive) = mpsc::channel();
    let append = || {
        let (send, disk) = (send.clone(), disk.clone());
        let call = move |outcome: Result<Seq, LogError>| {
            let image = disk.crash(SurvivingWrites::Nothing);
            send.send((thread::current().id(), outcome.unwrap(), image)).unwrap();
        };
        let seq = appender.append(b"inline".to_vec(), call).unwrap();
        let (thread, durable, image) = receive.recv().unwrap();
        assert_eq!(durable, seq);
        (thread, seq, image)
    };
    // The committer may be at work, and commits the event then.
    let (_, seq, image) =
        (0..1000).map(|_| append()).find(|(thread, ..)| *thread == own).expect("an idle moment");
    store.close().unwrap();
    assert_eq!(Store::open_on(Arc::new(image), small()).unwrap().last(), seq);
}

#[test]
fn a_callback_on_the_appending_thread_may_append() {
    let (_, store, appender) = committing_inline();
    let (send, receive) = mpsc::channel();
    for number in 0..100u64 {
        let (inner, outer_send, inner_send) = (appender.clone(), send.clone(), send.clone());
        let call = move |outcome: Result<Seq, LogError>| {
            let call = move |outcome: Result<Seq, LogError>| {
                inner_send.send((2 * number + 1, outcome.unwrap())).unwrap();
            };
            inner.append(b"inner".to_vec(), call).unwrap();
            outer_send.send((2 * number, outcome.unwrap())).unwrap();
        };
        appender.append(b"outer".to_vec(), call).unwrap();
        for at in [2 * number, 2 * number + 1] {
            assert_eq!(receive.recv().unwrap(), (at, Seq(at + 2)));
        }
    }
    store.close().unwrap();
}

#[test]
fn an_event_that_its_thread_cannot_commit_is_committed_or_given_up_later() {
    let (disk, store, appender) = committing_inline();
    let (send, receive) = mpsc::channel();
    let append = |length: usize| {
        let send = send.clone();
        appender.append(vec![0; length], move |outcome| send.send(outcome).unwrap())
    };
    disk.set_capacity(Some(0));
    append(5000).unwrap();
    assert!(matches!(store.wait_durable(Seq(2)), Err(LogError::Full(_))));
    disk.set_capacity(None);
    assert_eq!(receive.recv().unwrap().unwrap(), Seq(2));
    disk.fail_at(disk.steps() + 1, InjectedFault::Io);
    append(1).unwrap();
    assert!(matches!(receive.recv().unwrap(), Err(LogError::Failed(_))));
}
