//! [`SerializedRequest`]: how the requests of a driver leave a private runtime.

use crate::codec::{self, SeedBytes};
use crate::protocol::{self, DriverRequest};
use plan::{Ref, Val};
use vm::Vm;

/// The most requests of one driver that are handled at a time, and about the most bytes of
/// requests that are between a private runtime and the driver's thread.
pub(super) const REQUESTS_AT_A_TIME: usize = 256;
const BYTES_AT_A_TIME: usize = 16 << 20;

/// A request of a driver, in no heap.
pub(super) enum SerializedRequest {
    Write(SeedBytes),
    Read {
        key: u64,
        query: SeedBytes,
    },
    /// The row `[device ..]`.
    Call {
        key: u64,
        call: SeedBytes,
    },
    /// A request whose value cannot be serialized.
    TooLarge,
}

impl SerializedRequest {
    /// Serializes an item of a row of requests. None if it is malformed.
    fn of(vm: &Vm, item: Ref<'_>) -> Option<SerializedRequest> {
        let serialize = |value: Ref<'_>| codec::serialize(vm, &vm.hold(value)).ok();
        let (key, request) = protocol::request(item)?;
        let serialized = match request {
            DriverRequest::Write(value) => serialize(value).map(SerializedRequest::Write),
            DriverRequest::Read(query) => {
                serialize(query).map(|query| SerializedRequest::Read { key, query })
            }
            DriverRequest::Call(..) => {
                let call = item.as_row().and_then(|pair| pair.get(1))?;
                serialize(call).map(|call| SerializedRequest::Call { key, call })
            }
        };
        Some(serialized.unwrap_or(SerializedRequest::TooLarge))
    }

    /// Serializes the requests of a driver value from an index on, as many as are handled at a
    /// time. Returns also the index of the next one, if there are more.
    pub(super) fn some_of(
        vm: &Vm,
        driver: &Val,
        from: usize,
    ) -> (Vec<SerializedRequest>, Option<usize>) {
        let Some(row) = protocol::request_row(vm.look(driver)) else { return (Vec::new(), None) };
        let (mut next, mut bytes) = (from, 0);
        let mut requests = Vec::new();
        while next < row.len() && requests.len() < REQUESTS_AT_A_TIME && bytes < BYTES_AT_A_TIME {
            if let Some(request) = row.get(next).and_then(|item| SerializedRequest::of(vm, item)) {
                bytes += request.size();
                requests.push(request);
            }
            next += 1;
        }
        (requests, (next < row.len()).then_some(next))
    }

    fn size(&self) -> usize {
        match self {
            SerializedRequest::Write(value) => value.len(),
            SerializedRequest::Read { query, .. } => query.len(),
            SerializedRequest::Call { call, .. } => call.len(),
            SerializedRequest::TooLarge => 0,
        }
    }

    /// Whether the request goes to the event loop.
    pub(super) fn is_for_cog(&self) -> bool {
        matches!(self, SerializedRequest::Write(_) | SerializedRequest::Read { .. })
    }
}

/// Whether the request goes to the event loop.
pub(super) fn is_for_cog(request: &DriverRequest<'_>) -> bool {
    matches!(request, DriverRequest::Write(_) | DriverRequest::Read(_))
}
