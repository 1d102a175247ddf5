//! Programs that the tests run.

use super::plan::{P, arg, call, case, first, inc, law, nat, row, trace};

/// A cog with that law, state and workers, whose reads give the state.
pub(crate) fn cog(function: P, state: P, workers: impl IntoIterator<Item = P>) -> P {
    call(function, [state, law(3, arg(1)), row(workers)])
}

/// The worker `[1 driver]`.
pub(crate) fn exec(driver: P) -> P {
    row([nat(1), driver])
}

/// The worker `[0 f args]`.
pub(crate) fn eval(function: P, args: impl IntoIterator<Item = P>) -> P {
    row([nat(0), function, row(args)])
}

pub(crate) fn read() -> P {
    row([nat(0), P::Text("read"), nat(0)])
}

pub(crate) fn write(value: P) -> P {
    row([nat(0), P::Text("write"), value])
}

pub(crate) fn when() -> P {
    row([P::Text("time"), P::Text("when")])
}

pub(crate) fn wait(until: P) -> P {
    row([P::Text("time"), P::Text("wait"), until])
}

/// A driver whose request under key i is `requests[i]`, and which handles the answer to that by
/// showing it (if `show` says so) and making the next request, the first after the last. In the
/// requests, argument 2 is the answer to the one before.
pub(crate) fn cycle(requests: Vec<P>, show: &[usize]) -> P {
    let count = requests.len();
    // Law i has the arguments: driver law, answer, key less i.
    let mut handlers = law(3, nat(0));
    for index in (0..count).rev() {
        let next = (index + 1) % count;
        let issued = row([row([nat(next as u64), requests[next].clone()])]);
        let mut handled = call(arg(1), [issued]);
        if show.contains(&index) {
            handled = trace(arg(2), handled);
        }
        handlers = law(3, case(arg(3), handled, call(handlers, [arg(1), arg(2)])));
    }
    let driver = law(3, call(handlers, [arg(0), arg(3), arg(2)]));
    call(driver, [row([row([nat(0), requests[0].clone()])])])
}

/// The law of a cog that counts its events, and answers the request 3 of worker 0.
pub(crate) fn counting() -> P {
    let next = call(arg(0), [inc(arg(1)), arg(2), arg(3)]);
    law(4, row([next, row([row([nat(0), nat(3), nat(0)])])]))
}

/// The law of a cog that counts its events, and answers request 0 of worker 0 with something made
/// of the new count.
pub(crate) fn replying(reply: impl Fn(P) -> P) -> P {
    let next = call(arg(0), [inc(arg(1)), arg(2), arg(3)]);
    law(4, row([next, row([row([nat(0), nat(0), reply(inc(arg(1)))])])]))
}

/// Shows the count that is on disk, waits a second, counts.
pub(crate) fn counter() -> P {
    let driver = cycle(vec![read(), when(), wait(inc(arg(2))), write(nat(0))], &[0]);
    cog(counting(), nat(1), [exec(driver)])
}

/// The law of a cog that stops when it gets anything, keeping the inputs as its state.
pub(crate) fn keeping() -> P {
    let next = call(arg(0), [arg(4), arg(2), row([])]);
    law(4, row([next, row([])]))
}

/// A driver that writes that once, and is silent from then on.
pub(crate) fn writer(value: P) -> P {
    call(law(3, call(arg(0), [row([])])), [row([row([nat(0), write(value)])])])
}

/// A law that never ends.
pub(crate) fn endless() -> P {
    law(1, call(arg(0), [arg(1)]))
}

/// The value that the first input of those brought.
pub(crate) fn brought(inputs: P) -> P {
    super::plan::second(first(inputs))
}
