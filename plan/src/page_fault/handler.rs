//! The handler of SIGBUS and SIGSEGV.
//!
//! # Safety
//!
//! The handler runs between two instructions of any thread. Its invariant: *it allocates nothing,
//! takes no lock, and changes no memory of the program except the atomics of
//! [`table`](super::table), the lost page, and the memory that was registered to be cleared*. It
//! saves and restores `errno`. It needs little stack and runs on the alternate stack of its thread:
//! compiled code has a small stack of its own.

use super::{REPLACEMENT_WORD, table};
use crate::platform;
use libc::{c_int, c_void, sigaction, siginfo_t};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::mm::{MapFlags, ProtFlags};
use std::cell::{RefCell, UnsafeCell};
use std::mem::{MaybeUninit, zeroed};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::ptr::{null, null_mut, with_exposed_provenance_mut};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Once, OnceLock};

/// The replacement area: its first address, and its size in bytes.
const AREA: usize = 0x7_0000_0000;
const AREA_SIZE: usize = 256 << 20;
/// The size of an alternate stack, in bytes.
const ALTERNATE_STACK: usize = 64 << 10;

const SIGNALS: [c_int; 2] = [libc::SIGBUS, libc::SIGSEGV];

/// The handlers that were installed before, written once before ours are installed.
struct PreviousHandlers(UnsafeCell<[MaybeUninit<sigaction>; 2]>);

// SAFETY: `install` writes the handlers before any signal can lead to a read of them.
unsafe impl Sync for PreviousHandlers {}

static PREVIOUS: PreviousHandlers =
    PreviousHandlers(UnsafeCell::new([const { MaybeUninit::uninit() }; 2]));

/// A file of one page, all of whose words are [`REPLACEMENT_WORD`]. A private mapping of it is a
/// replacement page that is complete from the moment at which it appears.
static TEMPLATE: OnceLock<OwnedFd> = OnceLock::new();

/// Installs the handler, once per process. If the system refuses, faults keep their default
/// behaviour.
pub(super) fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let page = rustix::param::page_size();
        table::set_page(page);
        let Ok(template) = make_template(page) else { return };
        // The handlers are not installed yet, so nothing else has set it.
        let _ = TEMPLATE.set(template);
        reserve_area();
        ensure_alternate_stack();
        for (index, signal) in SIGNALS.into_iter().enumerate() {
            // SAFETY: the structures are valid. Until the second call no handler of this module
            // runs for this signal, so nothing reads `PREVIOUS` at the index. The handler follows
            // the module's invariant.
            unsafe {
                let previous = (*PREVIOUS.0.get())[index].as_mut_ptr();
                if libc::sigaction(signal, null(), previous) != 0 {
                    continue;
                }
                let mut ours: sigaction = zeroed();
                ours.sa_sigaction = on_fault as *const () as usize;
                ours.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
                libc::sigaction(signal, &raw const ours, null_mut());
            }
        }
    });
}

/// Creates the file of replacement pages.
fn make_template(page: usize) -> std::io::Result<OwnedFd> {
    let file = platform::nameless_file("pallas-replacement")?;
    let bytes: Vec<u8> = REPLACEMENT_WORD.to_ne_bytes().repeat(page / 8);
    file.write_all_at(&bytes, 0)?;
    Ok(file.into())
}

/// Whether the addresses of the replacement area are ours. Without them, a read through a
/// replacement word ends the process with a message.
static HAS_AREA: AtomicBool = AtomicBool::new(false);

/// Reserves the addresses of the replacement area, unless something else is there.
fn reserve_area() {
    let area = with_exposed_provenance_mut(AREA);
    if platform::reserve_addresses(area, AREA_SIZE).is_ok() {
        HAS_AREA.store(true, Ordering::Release);
    }
}

/// Handles a signal: replaces the page, or leaves the signal to the previous handler.
///
/// # Safety
/// The kernel calls it with a valid `info`.
unsafe extern "C" fn on_fault(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    // SAFETY: the kernel passes a valid structure, and these signals have an address.
    let (code, address) = unsafe { ((*info).si_code, (*info).si_addr() as usize) };
    let is_fault = !platform::was_sent_by_process(code);
    let errno = platform::errno();
    let active = table::ActiveHandler::enter();
    let is_replaced = is_fault && replace(signal, address, &active);
    if !is_replaced && is_fault && table::count() > 0 {
        // What was read from a lost page led here, most likely.
        end_with_message(&active);
    }
    drop(active);
    platform::set_errno(errno);
    if !is_replaced {
        // SAFETY: the arguments are those that the kernel passed.
        unsafe { call_previous(signal, info, context, is_fault) };
    }
}

/// Replaces the page of an address, if it is ours to replace.
fn replace(signal: c_int, address: usize, active: &table::ActiveHandler) -> bool {
    let Some(template) = TEMPLATE.get() else { return false };
    let page = address & !(table::page() - 1);
    // Memory that may not be read is SIGSEGV on Linux, and SIGBUS on macOS.
    if (AREA..AREA + AREA_SIZE).contains(&address) {
        return HAS_AREA.load(Ordering::Acquire) && map_replacement(template, page);
    }
    if signal == libc::SIGSEGV {
        return false;
    }
    let Some(fault) = table::fault_at(address) else { return false };
    fault.record(page);
    if !map_replacement(template, page) {
        return false;
    }
    if let Some((address, size)) = fault.cleared() {
        clear(address, size);
    }
    fault.interrupt_heaps(active);
    true
}

/// Maps a replacement page in place of a page. It is writable, so that a reader that marks what it
/// reads changes only the replacement.
fn map_replacement(template: &OwnedFd, page: usize) -> bool {
    let (access, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE | MapFlags::FIXED);
    let template: BorrowedFd<'_> = template.as_fd();
    let place = with_exposed_provenance_mut(page);
    // SAFETY: the page lies in a registered range, whose readers tolerate replacement pages, or in
    // the replacement area.
    unsafe { rustix::mm::mmap(place, table::page(), access, flags, template, 0) }.is_ok()
}

/// Replaces memory by zeros.
fn clear(address: usize, size: usize) {
    let (access, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE | MapFlags::FIXED);
    let place = with_exposed_provenance_mut(address);
    // SAFETY: the memory was registered to be cleared, so it may become zero at any time.
    let cleared =
        unsafe { rustix::mm::mmap_anonymous(place, size, access, flags | MapFlags::NORESERVE) };
    // If it fails, records on the lost page that were verified before are found damaged only by the
    // heaps that are interrupted now.
    let _ = cleared;
}

/// Ends the process with a message about the page that was lost last.
fn end_with_message(active: &table::ActiveHandler) {
    table::with_last_fault(active, |path, offset| {
        write_message(path, offset);
        // SAFETY: it only ends the process.
        unsafe { libc::_exit(1) };
    });
}

/// Writes the message about a lost page to standard error, by system calls only.
fn write_message(path: &Path, mut offset: usize) {
    let mut digits = [0; 20];
    let mut first = digits.len();
    loop {
        first -= 1;
        digits[first] = b'0' + (offset % 10) as u8;
        offset /= 10;
        if offset == 0 {
            break;
        }
    }
    let parts: [&[u8]; 5] = [
        b"pallas: ",
        path.as_os_str().as_bytes(),
        b", byte ",
        &digits[first..],
        b": the page could not be read while it was in use (a disk error, or the file was cut \
          short), and the process cannot continue; nothing that was acknowledged is lost\n",
    ];
    // SAFETY: nobody closes standard error while the process ends.
    let stderr = unsafe { BorrowedFd::borrow_raw(2) };
    for part in parts {
        // The process ends in any case.
        let _ = rustix::io::write(stderr, part);
    }
}

/// Does with a signal what would be done without this module.
///
/// # Safety
/// The arguments are those of a signal handler.
unsafe fn call_previous(signal: c_int, info: *mut siginfo_t, context: *mut c_void, is_fault: bool) {
    let index = usize::from(signal == libc::SIGSEGV);
    // SAFETY: `install` has written the previous handler before it installed this one.
    let previous = unsafe { (*PREVIOUS.0.get())[index].assume_init_ref() };
    match previous.sa_sigaction {
        libc::SIG_IGN if !is_fault => {}
        libc::SIG_DFL | libc::SIG_IGN => {
            // SAFETY: restoring the default action is allowed in a handler. The instruction faults
            // again when the handler returns; a signal that a process sent is sent again.
            unsafe {
                let mut default: sigaction = zeroed();
                default.sa_sigaction = libc::SIG_DFL;
                libc::sigaction(signal, &raw const default, null_mut());
                if !is_fault {
                    libc::raise(signal);
                }
            }
        }
        handler if previous.sa_flags & libc::SA_SIGINFO != 0 => {
            // SAFETY: with this flag the handler has this signature.
            let handler: unsafe extern "C" fn(c_int, *mut siginfo_t, *mut c_void) =
                unsafe { std::mem::transmute(handler) };
            // SAFETY: the arguments are those of the kernel.
            unsafe { handler(signal, info, context) };
        }
        handler => {
            // SAFETY: without the flag the handler has this signature.
            let handler: unsafe extern "C" fn(c_int) = unsafe { std::mem::transmute(handler) };
            // SAFETY: the argument is that of the kernel.
            unsafe { handler(signal) };
        }
    }
}

/// An alternate signal stack, for the thread that made it.
struct AlternateStack(Box<[MaybeUninit<u8>]>);

impl Drop for AlternateStack {
    fn drop(&mut self) {
        // SAFETY: the structures are valid; the stack is given up only if it is still this one. The
        // thread is not in a handler while it runs destructors.
        unsafe {
            let mut stack: libc::stack_t = zeroed();
            let is_known = libc::sigaltstack(null(), &raw mut stack) == 0;
            if is_known && stack.ss_sp == self.0.as_mut_ptr().cast::<c_void>() {
                stack.ss_flags = libc::SS_DISABLE;
                libc::sigaltstack(&raw const stack, null_mut());
            }
        }
    }
}

/// Gives the thread an alternate signal stack, if it has none. Threads of the standard library have
/// one.
pub(super) fn ensure_alternate_stack() {
    thread_local! {
        static STACK: RefCell<Option<AlternateStack>> = const { RefCell::new(None) };
    }
    // SAFETY: the structure is valid.
    let has_stack = unsafe {
        let mut stack: libc::stack_t = zeroed();
        libc::sigaltstack(null(), &raw mut stack) == 0 && stack.ss_flags & libc::SS_DISABLE == 0
    };
    if has_stack {
        return;
    }
    // While the thread ends there is no place to keep a stack, and no evaluation that needs one.
    let _ = STACK.try_with(|kept| {
        let mut memory = Box::new_uninit_slice(ALTERNATE_STACK);
        let stack = libc::stack_t {
            ss_sp: memory.as_mut_ptr().cast::<c_void>(),
            ss_flags: 0,
            ss_size: memory.len(),
        };
        // SAFETY: the memory is kept until the thread ends, and given up as a stack before it is
        // freed.
        if unsafe { libc::sigaltstack(&raw const stack, null_mut()) } == 0 {
            *kept.borrow_mut() = Some(AlternateStack(memory));
        }
    });
}
