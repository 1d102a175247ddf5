//! Addresses and handles as nats.

use super::DeviceAnswer;
use plan::Ref;
use std::net::{Ipv4Addr, SocketAddrV4};

/// The nat of an address: its four bytes, first byte least significant. 127.0.0.1 is 16777343.
pub(super) fn answer(ip: Ipv4Addr) -> DeviceAnswer {
    u64::from(u32::from_le_bytes(ip.octets())).into()
}

/// The address that these nats stand for. None if they are no nats, or the address is 2^32 or more,
/// or the port 2^16 or more.
pub(super) fn parse(ip: Ref<'_>, port: Ref<'_>) -> Option<SocketAddrV4> {
    let ip = u32::try_from(ip.as_u64()?).ok()?;
    let port = u16::try_from(port.as_u64()?).ok()?;
    Some(SocketAddrV4::new(Ipv4Addr::from(ip.to_le_bytes()), port))
}

/// A handle. One of 2^64 or more is `u64::MAX`: it names nothing. None if it is no nat.
pub(super) fn handle(value: Ref<'_>) -> Option<u64> {
    Some(value.as_nat()?.to_u64().unwrap_or(u64::MAX))
}
