//! The programs that the tests run.

use super::terms::{PlanExpr, arg, call, case, first, inc, law, nat, row, second, trace};

/// A cog with this law, state and workers. Its reads return the state.
pub(crate) fn cog(
    function: PlanExpr,
    state: PlanExpr,
    workers: impl IntoIterator<Item = PlanExpr>,
) -> PlanExpr {
    call(function, [state, law(3, arg(1)), row(workers)])
}

/// The worker `[1 driver]`.
pub(crate) fn exec(driver: PlanExpr) -> PlanExpr {
    row([nat(1), driver])
}

/// The worker `[0 f args]`.
pub(crate) fn eval(function: PlanExpr, args: impl IntoIterator<Item = PlanExpr>) -> PlanExpr {
    row([nat(0), function, row(args)])
}

pub(crate) fn read() -> PlanExpr {
    row([nat(0), PlanExpr::Text("read"), nat(0)])
}

pub(crate) fn write(value: PlanExpr) -> PlanExpr {
    row([nat(0), PlanExpr::Text("write"), value])
}

pub(crate) fn when() -> PlanExpr {
    row([PlanExpr::Text("time"), PlanExpr::Text("when")])
}

pub(crate) fn wait(until: PlanExpr) -> PlanExpr {
    row([PlanExpr::Text("time"), PlanExpr::Text("wait"), until])
}

/// A driver that makes one request after the other, and starts again after the last. The request
/// under key i is `requests[i]`; in it, argument 2 is the answer to the request before. The driver
/// shows the answers to the requests in `show`.
pub(crate) fn cycle(requests: Vec<PlanExpr>, show: &[usize]) -> PlanExpr {
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

/// The law of a cog that counts its events, and answers request 3 of worker 0 with 0.
pub(crate) fn counting_law() -> PlanExpr {
    let next = call(arg(0), [inc(arg(1)), arg(2), arg(3)]);
    law(4, row([next, row([row([nat(0), nat(3), nat(0)])])]))
}

/// The law of a cog that counts its events, and answers request 0 of worker 0 with `reply(new
/// count)`.
pub(crate) fn replying_law(reply: impl Fn(PlanExpr) -> PlanExpr) -> PlanExpr {
    let next = call(arg(0), [inc(arg(1)), arg(2), arg(3)]);
    law(4, row([next, row([row([nat(0), nat(0), reply(inc(arg(1)))])])]))
}

/// A machine that shows the count that is on disk, waits a second, counts, and so on.
pub(crate) fn counter() -> PlanExpr {
    let driver = cycle(vec![read(), when(), wait(inc(arg(2))), write(nat(0))], &[0]);
    cog(counting_law(), nat(1), [exec(driver)])
}

/// The law of a cog that finishes at its first event, with the inputs as its state.
pub(crate) fn keep_inputs() -> PlanExpr {
    let next = call(arg(0), [arg(4), arg(2), row([])]);
    law(4, row([next, row([])]))
}

/// A driver that writes `value` once and makes no other request.
pub(crate) fn writer(value: PlanExpr) -> PlanExpr {
    call(law(3, call(arg(0), [row([])])), [row([row([nat(0), write(value)])])])
}

/// A law of one argument that calls itself forever.
pub(crate) fn endless() -> PlanExpr {
    law(1, call(arg(0), [arg(1)]))
}

/// The value of the first of these inputs.
pub(crate) fn first_input(inputs: PlanExpr) -> PlanExpr {
    second(first(inputs))
}

/// A function whose call needs more stack than it may use: f x = 3 (f x)
pub(crate) fn deep() -> PlanExpr {
    law(1, call(nat(3), [call(arg(0), [arg(1)])]))
}

/// A function whose call is harmless.
pub(crate) fn harmless() -> PlanExpr {
    law(1, nat(0))
}

/// The value of an input of [`calling`]: the function that the cog calls, and a number.
pub(crate) fn input(function: PlanExpr, number: u64) -> PlanExpr {
    row([function, nat(number)])
}

/// A law of one argument that calls the function in each of these inputs. Its value is 0.
fn call_all() -> PlanExpr {
    let skip = |arity| law(arity, nat(0));
    // A row is an app of apps: the argument of each is an input.
    let function = first(second(arg(3)));
    let each = law(3, case(call(function, [nat(0)]), call(arg(1), [arg(2)]), law(1, nat(0))));
    let each = call(each, [arg(0)]);
    law(1, call(nat(1), [skip(1), skip(3), each, skip(1), arg(1)]))
}

/// The law of a cog that calls the functions in its inputs, and keeps a list of the inputs of all
/// events.
pub(crate) fn calling_law() -> PlanExpr {
    let next = call(arg(0), [row([arg(4), arg(1)]), arg(2), arg(3)]);
    let then = row([next, row([])]);
    law(4, case(call(call_all(), [arg(4)]), then, law(1, nat(0))))
}

/// A cog with this law. Its state is 7 at first.
pub(crate) fn calling(workers: impl IntoIterator<Item = PlanExpr>) -> PlanExpr {
    cog(calling_law(), nat(7), workers)
}
