//! Addresses and handles as nats.
//!
//! The nat of an address is its bytes, first byte least significant: four of IPv4, sixteen of IPv6.
//! Nats below 2^32 are addresses of IPv4. An address of IPv6 that stands for one of IPv4
//! (`::ffff:a.b.c.d`) has the nat of that one. Addresses of IPv6 whose last twelve bytes are 0, such
//! as `::`, have no nat. A nat has no scope, so link-local addresses of IPv6 cannot be reached.

use super::DeviceAnswer;
use plan::{Natural, Ref};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The nats of a peer's address and port.
pub(super) fn answer(peer: SocketAddr) -> [DeviceAnswer; 2] {
    let ip = match peer.ip().to_canonical() {
        IpAddr::V4(ip) => u128::from(u32::from_le_bytes(ip.octets())),
        IpAddr::V6(ip) => u128::from_le_bytes(ip.octets()),
    };
    [DeviceAnswer::Nat(Natural::from(ip)), u64::from(peer.port()).into()]
}

/// The address that these nats stand for. None if they are no nats, or the address is 2^128 or more,
/// or the port 2^16 or more.
pub(super) fn parse(ip: Ref<'_>, port: Ref<'_>) -> Option<SocketAddr> {
    let port = u16::try_from(port.as_u64()?).ok()?;
    let ip = ip.as_nat()?;
    if ip.bits() > 128 {
        return None;
    }
    let mut octets = [0; 16];
    let bytes = ip.bytes();
    octets[..bytes.len()].copy_from_slice(&bytes);
    let ip = match octets {
        [a, b, c, d, rest @ ..] if rest == [0; 12] => Ipv4Addr::new(a, b, c, d).into(),
        _ => Ipv6Addr::from(octets).to_canonical(),
    };
    Some(SocketAddr::new(ip, port))
}

/// A handle. One of 2^64 or more is `u64::MAX`: it names nothing. None if it is no nat.
pub(super) fn handle(value: Ref<'_>) -> Option<u64> {
    Some(value.as_nat()?.to_u64().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use plan::{Heap, HeapOptions};

    /// Addresses as text, and the bytes of their nats.
    const ADDRESSES: [(&str, &[u8]); 7] = [
        ("0.0.0.0:0", &[]),
        ("127.0.0.1:80", &[127, 0, 0, 1]),
        ("255.255.255.255:65535", &[255; 4]),
        ("[::1]:80", &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
        ("[2001:db8::1:2]:80", &[32, 1, 13, 184, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2]),
        ("[2001:db8:1::]:80", &[32, 1, 13, 184, 0, 1]),
        ("[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:1", &[255; 16]),
    ];

    #[test]
    fn an_address_is_the_nat_of_its_bytes() {
        let options = HeapOptions { nursery: 1 << 16, ..HeapOptions::default() };
        let mut heap = Heap::new(options).expect("a heap");
        let mut parsed = |ip: &Natural, port: u64| {
            let ip = heap.build(|builder| builder.push_natural(ip)).expect("room");
            let port = heap.nat(port);
            parse(heap.look(&ip), heap.look(&port))
        };
        for (text, bytes) in ADDRESSES {
            let address: SocketAddr = text.parse().expect("an address");
            let mut padded = [0; 16];
            padded[..bytes.len()].copy_from_slice(bytes);
            let (ip, port) = (Natural::from(u128::from_le_bytes(padded)), address.port().into());
            assert_eq!(parsed(&ip, port), Some(address), "{text}");
            assert_eq!(answer(address), [DeviceAnswer::Nat(ip), port.into()], "{text}");
        }
        // An address of IPv6 that stands for one of IPv4 is that one.
        let mapped: SocketAddr = "[::ffff:127.0.0.1]:80".parse().expect("an address");
        let localhost = Natural::from(16_777_343_u64);
        assert_eq!(answer(mapped), [DeviceAnswer::Nat(localhost.clone()), 80.into()]);
        let mapped = Natural::from((16_777_343_u128 << 96) | (0xffff << 80));
        assert_eq!(parsed(&mapped, 80), "127.0.0.1:80".parse().ok());
        assert_eq!(parsed(&(Natural::from(u128::MAX) + Natural::from(1_u64)), 80), None);
        assert_eq!(parsed(&localhost, 65_536), None);
    }
}
