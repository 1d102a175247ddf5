//! [`Fiber`]: a function that runs on a native stack of its own, where it can be suspended.
//!
//! A fiber is a stackful coroutine. [`Fiber::resume`] switches to its stack and returns when the
//! function suspends itself with [`suspend`] or ends. Both functions pass the *owner*, the runtime
//! that the fiber belongs to, so that the function never uses a reference to the owner that was
//! made before others used it.
//!
//! # Safety
//!
//! Suspended frames hold the owner's address: Rust frames as `&mut` references that are reborrowed
//! for the duration of the call of [`suspend`], compiled code in the context register. Two
//! invariants make that sound:
//!
//! - *The address is that of the owner whenever a frame runs.* [`Fiber::resume`] compares the
//!   owner's address with the first one. Frames that can never run again (the owner was moved, or
//!   is gone) are not unwound: [`Fiber`] leaks what they own when it is dropped.
//! - *Only one of the two sides runs.* The caller of `resume` and the caller of `suspend` both
//!   lend their exclusive reference to the owner for the duration of the call.
//!
//! The stack is mapped as long as the coroutine exists, because the coroutine holds a reference.

use super::stack::NativeStack;
use std::ptr::NonNull;
use std::rc::Rc;

/// How a suspended function continues.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Resumption {
    /// It goes on.
    Continue,
    /// It ends as soon as it can, without a value.
    Cancel,
}

/// Where a running fiber suspends itself.
pub(crate) struct SuspensionPoint<T>(NonNull<imp::Yielder<T>>);

impl<T> Clone for SuspensionPoint<T> {
    fn clone(&self) -> SuspensionPoint<T> {
        *self
    }
}

impl<T> Copy for SuspensionPoint<T> {}

/// A function that runs on a stack of its own, and has not ended yet.
pub(crate) struct Fiber<T, R> {
    coroutine: imp::Coroutine<T, R>,
    /// The address of the owner; null until the function runs for the first time.
    owner: *const T,
}

impl<T: 'static, R: 'static> Fiber<T, R> {
    /// A fiber that runs a function on that stack, which no other fiber uses. The function gets the
    /// owner, and the place where it can be suspended.
    pub(crate) fn new(
        stack: Rc<NativeStack>,
        function: impl FnOnce(&mut T, SuspensionPoint<T>, Resumption) -> R + 'static,
    ) -> Fiber<T, R> {
        Fiber { coroutine: imp::Coroutine::new(stack, function), owner: std::ptr::null() }
    }

    /// Whether a fiber that has run may run with that owner: it is where it was.
    pub(crate) fn belongs_to(&self, owner: &T) -> bool {
        self.owner.is_null() || std::ptr::eq(self.owner, owner)
    }

    /// Runs the function until it suspends itself (`None`) or ends.
    ///
    /// # Panics
    /// If the owner has been moved since the function first ran, or if the function panics.
    pub(crate) fn resume(&mut self, owner: &mut T, resumption: Resumption) -> Option<R> {
        assert!(self.belongs_to(owner), "the owner was moved while its fiber was suspended");
        self.owner = owner;
        // SAFETY: the owner is where it was, and this call lends it.
        unsafe { self.coroutine.resume(owner, resumption) }
    }
}

/// Suspends the fiber that runs, until it is resumed.
///
/// # Safety
/// The point is that of the fiber that runs, and `owner` its owner.
pub(crate) unsafe fn suspend<T>(point: SuspensionPoint<T>, owner: &mut T) -> Resumption {
    // SAFETY: by this function's contract. A yielder lives as long as its function runs.
    unsafe { imp::suspend(point.0.as_ref(), owner) }
}

/// Fibers by the crate `corosensei`.
#[cfg(not(miri))]
mod imp {
    use super::super::stack::NativeStack;
    use super::super::stack_switch;
    use super::{Resumption, SuspensionPoint};
    use corosensei::CoroutineResult;
    use corosensei::stack::{Stack, StackPointer};
    use std::ptr::NonNull;
    use std::rc::Rc;

    /// What a fiber gets when it is resumed: the owner's address, and how to continue.
    type Input<T> = (*mut T, Resumption);

    /// A fiber that suspends itself passes the owner's address on, so that the compiler assumes
    /// that the owner changes meanwhile.
    pub(super) type Yielder<T> = corosensei::Yielder<Input<T>, *mut T>;

    pub(super) struct Coroutine<T, R>(corosensei::Coroutine<Input<T>, *mut T, R, FiberStack>);

    /// A native stack as the crate wants it.
    struct FiberStack(Rc<NativeStack>);

    // SAFETY: a native stack has a guard page at its lowest address, is larger than the minimum, is
    // aligned to pages, and is unmapped when its last reference is dropped.
    unsafe impl Stack for FiberStack {
        fn base(&self) -> StackPointer {
            self.0.bounds().end
        }

        fn limit(&self) -> StackPointer {
            self.0.bounds().start
        }
    }

    impl<T: 'static, R: 'static> Coroutine<T, R> {
        pub(super) fn new(
            stack: Rc<NativeStack>,
            function: impl FnOnce(&mut T, SuspensionPoint<T>, Resumption) -> R + 'static,
        ) -> Coroutine<T, R> {
            let body = move |yielder: &Yielder<T>, (owner, resumption): Input<T>| {
                // SAFETY: `resume` has lent the owner.
                let owner = unsafe { &mut *owner };
                let point = SuspensionPoint(NonNull::from(yielder));
                stack_switch::arrived(|| function(owner, point, resumption))
            };
            Coroutine(corosensei::Coroutine::with_stack(FiberStack(stack), body))
        }

        /// Runs the function until it suspends itself (`None`) or ends.
        ///
        /// # Safety
        /// The owner has the same address each time.
        pub(super) unsafe fn resume(&mut self, owner: *mut T, resumption: Resumption) -> Option<R> {
            match stack_switch::leaving(|| self.0.resume((owner, resumption))) {
                CoroutineResult::Yield(_) => None,
                CoroutineResult::Return(result) => Some(result),
            }
        }
    }

    impl<T, R> Drop for Coroutine<T, R> {
        fn drop(&mut self) {
            if self.0.started() && !self.0.done() {
                // SAFETY: the frames are never run again. What they own is leaked, which is safe:
                // none of it is borrowed from outside by something that relies on its destructor.
                unsafe { self.0.force_reset() }
            }
        }
    }

    /// Suspends the fiber of that yielder.
    ///
    /// # Safety
    /// The fiber runs, and `owner` is its owner.
    pub(super) unsafe fn suspend<T>(yielder: &Yielder<T>, owner: &mut T) -> Resumption {
        let (_, resumption) = stack_switch::leaving(|| yielder.suspend(owner));
        resumption
    }
}

/// Under Miri, a function runs to its end when it is first resumed, on the current stack.
#[cfg(miri)]
mod imp {
    use super::super::stack::NativeStack;
    use super::{Resumption, SuspensionPoint};
    use std::marker::PhantomData;
    use std::ptr::NonNull;
    use std::rc::Rc;

    pub(super) struct Yielder<T>(PhantomData<T>);

    type Body<T, R> = Box<dyn FnOnce(&mut T, SuspensionPoint<T>, Resumption) -> R>;

    pub(super) struct Coroutine<T, R>(Option<Body<T, R>>);

    impl<T: 'static, R: 'static> Coroutine<T, R> {
        pub(super) fn new(
            _: Rc<NativeStack>,
            function: impl FnOnce(&mut T, SuspensionPoint<T>, Resumption) -> R + 'static,
        ) -> Coroutine<T, R> {
            Coroutine(Some(Box::new(function)))
        }

        pub(super) unsafe fn resume(&mut self, owner: *mut T, resumption: Resumption) -> Option<R> {
            let function = self.0.take()?;
            // SAFETY: the caller lends the owner.
            Some(function(unsafe { &mut *owner }, SuspensionPoint(NonNull::dangling()), resumption))
        }
    }

    pub(super) unsafe fn suspend<T>(_: &Yielder<T>, _: &mut T) -> Resumption {
        Resumption::Continue
    }
}
