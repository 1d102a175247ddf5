//! The shapes of the PLAN values that a machine and its programs exchange (PROTOCOL.md).
//!
//! Parsing is lenient and never fails: a value of another shape is no worker, no request or no
//! output. All values are in normal form.

use plan::{AppRef, Items, LawRef, NatRef, Ref, Shape};

/// The parts of a cog that the machine uses. A part is missing if the cog has another form.
pub struct CogParts<'h> {
    /// The state that drivers query.
    pub state: Option<Ref<'h>>,
    /// The function that answers queries.
    pub reads: Option<Ref<'h>>,
    /// The row of workers.
    pub workers: Option<Ref<'h>>,
    /// The whole cog.
    pub cog: Ref<'h>,
}

impl<'h> CogParts<'h> {
    /// Finds the parts of a cog: the last three arguments of a closure.
    pub(crate) fn of(cog: Ref<'h>) -> CogParts<'h> {
        let Shape::App(app) = cog.shape() else {
            return CogParts { state: None, reads: None, workers: None, cog };
        };
        let args: Vec<Ref<'h>> = app.args().collect();
        let from_end = |index: usize| args.len().checked_sub(1 + index).map(|at| args[at]);
        CogParts {
            state: from_end(2),
            reads: from_end(1),
            workers: from_end(0).filter(|row| row.as_row().is_some()),
            cog,
        }
    }

    /// The slots, in order.
    pub(crate) fn slots(&self) -> impl Iterator<Item = Ref<'h>> + use<'h> {
        self.workers.and_then(Ref::as_row).into_iter().flat_map(Items::iter)
    }

    /// Whether any slot is other than 0. A cog without workers never gets an input.
    pub(crate) fn has_workers(&self) -> bool {
        self.slots().any(|slot| !is_zero(slot))
    }
}

/// The number of arguments of a cog that the machine uses: state, reads and workers.
const COG_PARTS: usize = 3;

/// Whether a value has the form of a cog: a closure of a law that lacks one argument, whose last
/// arguments are state, reads and a row of workers.
pub(crate) fn is_cog(value: Ref<'_>) -> bool {
    let Shape::App(app) = value.shape() else { return false };
    let arity = law(app.head()).and_then(|law| law.arity().to_u64());
    let is_complete = app.len() >= COG_PARTS && arity == Some(app.len() as u64 + 1);
    is_complete && CogParts::of(value).workers.is_some()
}

/// The function of an app, without its arguments; None if the value is no app.
pub(crate) fn head(value: Ref<'_>) -> Option<Ref<'_>> {
    if let Shape::App(app) = value.shape() { Some(app.head()) } else { None }
}

/// The law in a value that is a law, pinned or not.
fn law(value: Ref<'_>) -> Option<LawRef<'_>> {
    let value = match value.shape() {
        Shape::Pin(pin) => pin.item(),
        _ => value,
    };
    if let Shape::Law(law) = value.shape() { Some(law) } else { None }
}

/// A worker that a cog asks for.
#[derive(Clone, Copy)]
pub enum WorkerRef<'h> {
    /// `[1 driver]`
    Driver(Ref<'h>),
    /// `[0 f args]`: the whole row.
    Job(Ref<'h>),
}

impl<'h> WorkerRef<'h> {
    /// The worker that a slot asks for, if it asks for one.
    pub fn of(slot: Ref<'h>) -> Option<WorkerRef<'h>> {
        let items = slot.as_row()?;
        match (items.get(0)?.as_u64()?, items.len()) {
            (1, 2) => Some(WorkerRef::Driver(items.get(1)?)),
            (0, 3) if items.get(2)?.as_row().is_some() => Some(WorkerRef::Job(slot)),
            _ => None,
        }
    }
}

/// A message of the cog: the slot of the driver, the key of the request that it answers, and a
/// value.
pub(crate) struct CogOutputRef<'h> {
    pub(crate) slot: u64,
    pub(crate) key: u64,
    pub(crate) message: Ref<'h>,
}

/// Parses the result of a call of the cog: the new cog, and the outputs. If one output is
/// malformed, there are none.
pub(crate) fn cog_result(result: Ref<'_>) -> (Option<Ref<'_>>, Vec<CogOutputRef<'_>>) {
    let Some(pair) = result.as_row() else { return (None, Vec::new()) };
    let outputs = pair.get(1).and_then(Ref::as_row);
    let outputs = outputs.and_then(|row| row.iter().map(output).collect::<Option<Vec<_>>>());
    (pair.get(0), outputs.unwrap_or_default())
}

fn output(item: Ref<'_>) -> Option<CogOutputRef<'_>> {
    let parts = item.as_row().filter(|parts| parts.len() == 3)?;
    Some(CogOutputRef {
        slot: parts.get(0)?.as_u64()?,
        key: parts.get(1)?.as_u64()?,
        message: parts.get(2)?,
    })
}

/// The name of a request for a query, as a nat.
pub(crate) const READ: u64 = short_name(b"read");
const WRITE: u64 = short_name(b"write");

/// The nat of a name of at most 8 bytes, the first byte least significant.
pub(crate) const fn short_name(name: &[u8]) -> u64 {
    assert!(name.len() <= 8, "a short name");
    let mut nat = 0;
    let mut index = name.len();
    while index > 0 {
        index -= 1;
        nat = nat << 8 | name[index] as u64;
    }
    nat
}

/// The text of a [`short_name`].
pub(crate) fn name_text(name: u64) -> String {
    let bytes = name.to_le_bytes();
    let length = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    String::from_utf8_lossy(&bytes[..length]).into_owned()
}

/// A request of a driver.
pub(crate) enum DriverRequest<'h> {
    /// `[0 %read query]`
    Read(Ref<'h>),
    /// `[0 %write value]`
    Write(Ref<'h>),
    /// `[device ..]`: the device's name, and the arguments.
    Call(NatRef<'h>, Vec<Ref<'h>>),
}

/// The row of requests of a driver value; None if it has none.
pub(crate) fn request_row(driver: Ref<'_>) -> Option<Items<'_>> {
    let Shape::App(app) = driver.shape() else { return None };
    app.args().last().and_then(Ref::as_row)
}

/// Parses an item of a row of requests: the key and the request. None if it is malformed.
pub(crate) fn request(item: Ref<'_>) -> Option<(u64, DriverRequest<'_>)> {
    let pair = item.as_row().filter(|pair| pair.len() == 2)?;
    Some((pair.get(0)?.as_u64()?, request_body(pair.get(1)?)?))
}

/// Parses a request without its key: `[0 %read query]`, `[0 %write value]` or `[device ..]`. None if
/// it is malformed.
pub(crate) fn request_body(body: Ref<'_>) -> Option<DriverRequest<'_>> {
    let items = body.as_row()?;
    let device = items.get(0)?.as_nat()?;
    if !device.is_zero() {
        return Some(DriverRequest::Call(device, items.iter().skip(1).collect()));
    }
    let value = items.get(2)?;
    match items.get(1)?.as_u64()? {
        READ => Some(DriverRequest::Read(value)),
        WRITE => Some(DriverRequest::Write(value)),
        _ => None,
    }
}

/// Whether a value is the law with this name, pinned or not, with this many arguments, and lacks
/// exactly one.
pub(crate) fn is_partial_call(value: Ref<'_>, name: &[u8], count: usize) -> bool {
    let Shape::App(app) = value.shape() else { return false };
    let Some(law) = law(app.head()) else { return false };
    app.len() == count
        && law.name().bytes() == name
        && law.arity().to_u64() == Some(count as u64 + 1)
}

/// The arguments of an app; none if the value is no app.
pub(crate) fn arguments(value: Ref<'_>) -> impl Iterator<Item = Ref<'_>> {
    let app = if let Shape::App(app) = value.shape() { Some(app) } else { None };
    app.into_iter().flat_map(AppRef::args)
}

fn is_zero(value: Ref<'_>) -> bool {
    value.as_nat().is_some_and(|nat| nat.is_zero())
}
