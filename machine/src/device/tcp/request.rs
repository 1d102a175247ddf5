//! The calls of `%tcp`, parsed.

use crate::device::address;
use plan::Ref;
use std::net::SocketAddr;

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
        let name = args.first()?.as_nat()?.bytes();
        match (name.as_slice(), &args[1..]) {
            (b"mine", []) => Some(TcpRequest::Mine),
            (b"hear", []) => Some(TcpRequest::Hear),
            (b"open", [ip, port]) => Some(TcpRequest::Open(address::parse(*ip, *port)?)),
            (b"take", [handle]) => Some(TcpRequest::Take { handle: address::handle(*handle)? }),
            (b"give", [handle, bytes]) => {
                let handle = address::handle(*handle)?;
                Some(TcpRequest::Give { handle, bytes: bytes.as_bar()? })
            }
            (b"shut", [handle]) => Some(TcpRequest::Shut { handle: address::handle(*handle)? }),
            _ => None,
        }
    }
}
