//! Mailboxes: queues of messages to one thread, which is woken only if it sleeps.
//!
//! A thread has one [`Doorbell`], and a mailbox for each kind of messages. It sleeps when all of its
//! mailboxes are empty:
//!
//! ```text
//! sender    message ─▶ Inbox, then Doorbell::ring ──wakes──▶ the thread, if it sleeps
//! receiver  Doorbell::silence, then look at every inbox, then Doorbell::sleep
//! ```
//!
//! No message is missed: a ring after `silence` makes the next `sleep` return at once, and a message
//! whose ring came before is found in its inbox.
//!
//! A thread that waits sleeps in the system. It neither spins nor yields: a thread that yields its
//! processor loses its place to every other thread there, and may wait for milliseconds.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

/// The thread may sleep.
const SILENT: u8 = 0;
/// The thread sleeps, or is about to.
const ASLEEP: u8 = 1;
/// The thread must not sleep: there may be a message.
const RUNG: u8 = 2;

/// Wakes a thread.
pub(crate) struct Doorbell {
    state: AtomicU8,
    wake: Box<dyn Fn() + Send + Sync>,
}

impl Doorbell {
    /// The doorbell of a thread that `wake` wakes from its sleep. If the thread is about to sleep,
    /// it must not fall asleep any more.
    pub(crate) fn new(wake: impl Fn() + Send + Sync + 'static) -> Doorbell {
        Doorbell { state: AtomicU8::new(SILENT), wake: Box::new(wake) }
    }

    /// A doorbell of the calling thread, which sleeps by [`thread::park`].
    pub(crate) fn of_current_thread() -> Doorbell {
        let thread = thread::current();
        Doorbell::new(move || thread.unpark())
    }

    /// Wakes the thread if it sleeps, and makes its next [`sleep`](Doorbell::sleep) return at once if
    /// not.
    pub(crate) fn ring(&self) {
        let is_new = self.state.load(Ordering::SeqCst) != RUNG;
        if is_new && self.state.swap(RUNG, Ordering::SeqCst) == ASLEEP {
            (self.wake)();
        }
    }

    /// Forgets the rings so far. The thread looks for messages afterwards.
    pub(crate) fn silence(&self) {
        self.state.store(SILENT, Ordering::SeqCst);
    }

    /// Calls `sleep`, which waits until the thread is woken or has another reason to go on. Does
    /// nothing if the doorbell has rung since it was silenced.
    pub(crate) fn sleep(&self, sleep: impl FnOnce()) {
        let (success, failure) = (Ordering::SeqCst, Ordering::SeqCst);
        if self.state.compare_exchange(SILENT, ASLEEP, success, failure).is_ok() {
            sleep();
        }
    }
}

/// A message that was not sent.
#[derive(Debug)]
pub(crate) enum Unsent<T> {
    /// The mailbox is full. The sender's doorbell rings when there is room.
    Full(T),
    /// The receiver has ended.
    Closed,
}

struct Mailbox<T> {
    queue: Mutex<Queue<T>>,
    /// Of the receiver.
    doorbell: Arc<Doorbell>,
    capacity: usize,
}

struct Queue<T> {
    messages: VecDeque<T>,
    is_closed: bool,
    /// The doorbells of senders that wait for room.
    waiting: Vec<Arc<Doorbell>>,
}

impl<T> Mailbox<T> {
    fn lock(&self) -> MutexGuard<'_, Queue<T>> {
        // No code that can panic runs under the lock.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where messages are sent to. Clones are addresses of the same mailbox.
pub(crate) struct Address<T>(Arc<Mailbox<T>>);

impl<T> Clone for Address<T> {
    fn clone(&self) -> Address<T> {
        Address(Arc::clone(&self.0))
    }
}

/// Where messages are received. Dropping it closes the mailbox.
pub(crate) struct Inbox<T>(Arc<Mailbox<T>>);

/// A mailbox of the thread that the doorbell wakes. [`Address::try_send`] sends at most `capacity`
/// messages that are not received yet.
pub(crate) fn mailbox<T>(doorbell: &Arc<Doorbell>, capacity: usize) -> (Address<T>, Inbox<T>) {
    let queue = Queue { messages: VecDeque::new(), is_closed: false, waiting: Vec::new() };
    let mailbox =
        Arc::new(Mailbox { queue: Mutex::new(queue), doorbell: Arc::clone(doorbell), capacity });
    (Address(Arc::clone(&mailbox)), Inbox(mailbox))
}

impl<T> Address<T> {
    /// Sends a message, whatever the capacity. A receiver that has ended needs no message.
    pub(crate) fn send(&self, message: T) {
        self.send_silently(message);
        self.ring();
    }

    /// Sends a message as [`send`](Address::send) does, but does not wake the receiver: more messages
    /// follow at once, and then a [`ring`](Address::ring).
    pub(crate) fn send_silently(&self, message: T) {
        let mut queue = self.0.lock();
        if queue.is_closed {
            // The message is dropped after the lock.
            drop(queue);
            return;
        }
        queue.messages.push_back(message);
    }

    /// Wakes the receiver if it sleeps.
    pub(crate) fn ring(&self) {
        self.0.doorbell.ring();
    }

    /// Sends a message if there is room. Does not wake the receiver, as
    /// [`send_silently`](Address::send_silently) does not.
    ///
    /// # Errors
    /// See [`Unsent`]. If there is no room, `sender` rings when there is some.
    pub(crate) fn try_send(&self, message: T, sender: &Arc<Doorbell>) -> Result<(), Unsent<T>> {
        let mut queue = self.0.lock();
        if queue.is_closed {
            drop(queue);
            return Err(Unsent::Closed);
        }
        if queue.messages.len() >= self.0.capacity {
            if !queue.waiting.iter().any(|waiting| Arc::ptr_eq(waiting, sender)) {
                queue.waiting.push(Arc::clone(sender));
            }
            return Err(Unsent::Full(message));
        }
        queue.messages.push_back(message);
        Ok(())
    }
}

impl<T> Inbox<T> {
    /// Receives the message that was sent first, if there is one.
    pub(crate) fn try_receive(&self) -> Option<T> {
        let mut queue = self.0.lock();
        let message = queue.messages.pop_front()?;
        if queue.messages.len() < self.0.capacity && !queue.waiting.is_empty() {
            let waiting = std::mem::take(&mut queue.waiting);
            drop(queue);
            waiting.iter().for_each(|sender| sender.ring());
        }
        Some(message)
    }

    /// Receives all messages, in the order in which they were sent. `messages` is empty, and its
    /// memory is used again.
    pub(crate) fn receive_all(&self, messages: &mut VecDeque<T>) {
        debug_assert!(messages.is_empty(), "the messages before are handled");
        let mut queue = self.0.lock();
        std::mem::swap(&mut queue.messages, messages);
        let waiting = std::mem::take(&mut queue.waiting);
        drop(queue);
        waiting.iter().for_each(|sender| sender.ring());
    }
}

impl<T> Drop for Inbox<T> {
    fn drop(&mut self) {
        let mut queue = self.0.lock();
        queue.is_closed = true;
        let messages = std::mem::take(&mut queue.messages);
        let waiting = std::mem::take(&mut queue.waiting);
        drop(queue);
        waiting.iter().for_each(|sender| sender.ring());
        drop(messages);
    }
}

#[cfg(test)]
impl<T> Inbox<T> {
    /// Waits for a message. The doorbell is the calling thread's.
    pub(crate) fn receive(&self) -> T {
        loop {
            self.0.doorbell.silence();
            if let Some(message) = self.try_receive() {
                return message;
            }
            self.0.doorbell.sleep(thread::park);
        }
    }

    /// The number of messages that wait.
    pub(crate) fn len(&self) -> usize {
        self.0.lock().messages.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_arrives_once_and_in_order_although_the_receiver_sleeps() {
        const COUNT: u32 = 20_000;
        let doorbell = Arc::new(Doorbell::of_current_thread());
        let (address, inbox) = mailbox(&doorbell, usize::MAX);
        thread::scope(|scope| {
            for sender in 0..2 {
                let address = address.clone();
                scope.spawn(move || (0..COUNT).for_each(|number| address.send((sender, number))));
            }
            let mut next = [0, 0];
            for _ in 0..2 * COUNT {
                let (sender, number) = inbox.receive();
                assert_eq!(number, next[sender]);
                next[sender] += 1;
            }
        });
        assert!(inbox.try_receive().is_none());
    }

    #[test]
    fn a_sender_without_room_is_woken_when_there_is_some() {
        const COUNT: u32 = 5_000;
        let doorbell = Arc::new(Doorbell::of_current_thread());
        let (address, inbox) = mailbox(&doorbell, 2);
        thread::scope(|scope| {
            scope.spawn(move || {
                let own = Arc::new(Doorbell::of_current_thread());
                for number in 0..COUNT {
                    let mut unsent = number;
                    loop {
                        own.silence();
                        match address.try_send(unsent, &own) {
                            Ok(()) => {
                                address.ring();
                                break;
                            }
                            Err(Unsent::Full(message)) => unsent = message,
                            Err(Unsent::Closed) => panic!("the receiver receives all"),
                        }
                        own.sleep(thread::park);
                    }
                }
            });
            assert!((0..COUNT).all(|number| inbox.receive() == number && inbox.len() <= 2));
        });
    }

    #[test]
    fn a_closed_mailbox_drops_its_messages() {
        let doorbell = Arc::new(Doorbell::of_current_thread());
        let (address, inbox) = mailbox(&doorbell, 1);
        let message = Arc::new(());
        address.send(Arc::clone(&message));
        drop(inbox);
        address.send(Arc::clone(&message));
        assert!(matches!(address.try_send(Arc::clone(&message), &doorbell), Err(Unsent::Closed)));
        assert_eq!(Arc::strong_count(&message), 1);
    }

    #[test]
    fn all_messages_are_received_at_once() {
        let doorbell = Arc::new(Doorbell::of_current_thread());
        let (address, inbox) = mailbox(&doorbell, 1);
        (0..3).for_each(|number| address.send(number));
        let mut messages = VecDeque::new();
        inbox.receive_all(&mut messages);
        assert_eq!(messages, [0, 1, 2]);
    }
}
