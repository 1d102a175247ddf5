//! The shapes of the PLAN values that the machine and its programs exchange (see PROTOCOL.md).
//!
//! Everything is read leniently: what has another shape is no worker, no request, no output, and
//! never an error. All values looked at are in normal form.

use vm::{AppRef, Ref, Shape};

/// The parts of a cog that the machine looks at.
pub(crate) struct CogParts<'h> {
    /// What drivers may ask about.
    pub(crate) state: Option<Ref<'h>>,
    /// The function that answers them.
    pub(crate) reads: Option<Ref<'h>>,
    /// The row of workers.
    pub(crate) workers: Option<Ref<'h>>,
}

impl<'h> CogParts<'h> {
    /// The parts of a cog: the last three arguments of a closure.
    pub(crate) fn of(cog: Ref<'h>) -> CogParts<'h> {
        let Shape::App(app) = cog.shape() else {
            return CogParts { state: None, reads: None, workers: None };
        };
        let args: Vec<Ref<'h>> = app.args().collect();
        let from_end = |index: usize| args.len().checked_sub(1 + index).map(|at| args[at]);
        CogParts {
            state: from_end(2),
            reads: from_end(1),
            workers: from_end(0).filter(|row| row.as_row().is_some()),
        }
    }

    /// The worker slots, in order.
    pub(crate) fn slots(&self) -> impl Iterator<Item = Ref<'h>> + use<'h> {
        self.workers.and_then(Ref::as_row).into_iter().flat_map(vm::Items::iter)
    }

    /// Whether the cog still wants anything to run, without which it can never get an input.
    pub(crate) fn is_working(&self) -> bool {
        self.slots().any(|slot| !is_zero(slot))
    }
}

/// A worker that a cog asks for.
#[derive(Clone, Copy)]
pub(crate) enum Worker<'h> {
    /// `[1 driver]`
    Driver(Ref<'h>),
    /// `[0 f args]`: the whole row.
    Job(Ref<'h>),
}

impl<'h> Worker<'h> {
    /// The worker that a slot asks for, if it does.
    pub(crate) fn of(slot: Ref<'h>) -> Option<Worker<'h>> {
        let items = slot.as_row()?;
        match (items.get(0)?.as_u64()?, items.len()) {
            (1, 2) => Some(Worker::Driver(items.get(1)?)),
            (0, 3) if items.get(2)?.as_row().is_some() => Some(Worker::Job(slot)),
            _ => None,
        }
    }
}

/// A message from the cog: which slot's worker, which request, and what.
pub(crate) struct OutputRef<'h> {
    pub(crate) slot: u64,
    pub(crate) key: u64,
    pub(crate) message: Ref<'h>,
}

/// What a cog's call gave: the new cog, and its outputs. One malformed output voids all of them.
pub(crate) fn reply(result: Ref<'_>) -> (Option<Ref<'_>>, Vec<OutputRef<'_>>) {
    let Some(pair) = result.as_row() else { return (None, Vec::new()) };
    let outputs = pair.get(1).and_then(Ref::as_row);
    let outputs = outputs.and_then(|row| row.iter().map(output).collect::<Option<Vec<_>>>());
    (pair.get(0), outputs.unwrap_or_default())
}

fn output(item: Ref<'_>) -> Option<OutputRef<'_>> {
    let parts = item.as_row().filter(|parts| parts.len() == 3)?;
    Some(OutputRef {
        slot: parts.get(0)?.as_u64()?,
        key: parts.get(1)?.as_u64()?,
        message: parts.get(2)?,
    })
}

/// What a driver asks for.
pub(crate) enum Effect<'h> {
    /// `[0 %read query]`
    Read(Ref<'h>),
    /// `[0 %write value]`
    Write(Ref<'h>),
    /// `[device ..]`: the device's name as bytes, and its arguments.
    Call(Vec<u8>, Vec<Ref<'h>>),
}

/// The requests that a driver has just made, in order: their keys, and what they are.
pub(crate) fn requests(driver: Ref<'_>) -> Vec<(u64, Effect<'_>)> {
    let Shape::App(app) = driver.shape() else { return Vec::new() };
    let row = last_argument(app).and_then(Ref::as_row);
    row.into_iter().flat_map(vm::Items::iter).filter_map(request).collect()
}

fn last_argument(app: AppRef<'_>) -> Option<Ref<'_>> {
    app.args().last()
}

fn request(item: Ref<'_>) -> Option<(u64, Effect<'_>)> {
    let pair = item.as_row().filter(|pair| pair.len() == 2)?;
    Some((pair.get(0)?.as_u64()?, effect(pair.get(1)?)?))
}

fn effect(effect: Ref<'_>) -> Option<Effect<'_>> {
    let items = effect.as_row()?;
    let device = items.get(0)?.as_nat()?;
    if !device.is_zero() {
        return Some(Effect::Call(device.bytes(), items.iter().skip(1).collect()));
    }
    let value = items.get(2)?;
    match items.get(1)?.as_nat()?.bytes().as_slice() {
        b"read" => Some(Effect::Read(value)),
        b"write" => Some(Effect::Write(value)),
        _ => None,
    }
}

fn is_zero(value: Ref<'_>) -> bool {
    value.as_nat().is_some_and(|nat| nat.is_zero())
}
