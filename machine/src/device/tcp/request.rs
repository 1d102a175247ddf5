//! The calls of `%tcp`, parsed.

use crate::device::address;
use crate::protocol::short_name;
use plan::Ref;
use std::net::SocketAddr;

const MINE: u64 = short_name(b"mine");
const HEAR: u64 = short_name(b"hear");
const OPEN: u64 = short_name(b"open");
const TAKE: u64 = short_name(b"take");
const GIVE: u64 = short_name(b"give");
const SHUT: u64 = short_name(b"shut");

/// A call of `%tcp`. A handle of 2^64 or more is `u64::MAX`, which names no connection.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum TcpRequest<'h> {
    Mine,
    Hear,
    Open(SocketAddr),
    Take { handle: u64 },
    Give { handle: u64, bytes: &'h [u8] },
    Shut { handle: u64 },
}

impl<'h> TcpRequest<'h> {
    /// The call with these arguments; None if it is malformed.
    pub(super) fn parse(args: &[Ref<'h>]) -> Option<TcpRequest<'h>> {
        match (args.first()?.as_u64()?, &args[1..]) {
            (MINE, []) => Some(TcpRequest::Mine),
            (HEAR, []) => Some(TcpRequest::Hear),
            (OPEN, [ip, port]) => Some(TcpRequest::Open(address::parse(*ip, *port)?)),
            (TAKE, [handle]) => Some(TcpRequest::Take { handle: address::handle(*handle)? }),
            (GIVE, [handle, bytes]) => {
                let handle = address::handle(*handle)?;
                Some(TcpRequest::Give { handle, bytes: bytes.as_bar()? })
            }
            (SHUT, [handle]) => Some(TcpRequest::Shut { handle: address::handle(*handle)? }),
            _ => None,
        }
    }
}
