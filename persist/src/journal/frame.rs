//! The bytes of a segment: its header and its frames. This module encodes and checks; it does no
//! I/O. FORMAT.md draws the same layouts.
//!
//! Every check is BLAKE3, truncated to 16 bytes. The checks of frames are keyed with a random key
//! from the segment's header and cover the frame's offset. A frame is therefore valid at one offset
//! of one segment only: neither a payload that contains frames nor stale bytes from an earlier use
//! of the file can pass as a frame.

use crate::encoding::{Checksum, StoreId, array, check, truncate_check, u32_at, u64_at};

/// The length of a segment's header, in bytes.
pub(crate) const SEGMENT_HEADER: u64 = 128;
/// The length of a frame's header, in bytes.
pub(crate) const FRAME_HEADER: u64 = 64;
/// The alignment of frames, in bytes.
pub(crate) const ALIGNMENT: u64 = 16;

/// The version of this layout.
const VERSION: u32 = 1;
const FRAME_MAGIC: [u8; 4] = [0xF7, b'P', b'L', b'N'];

/// The key of the checks in one segment.
pub(crate) type SegmentKey = [u8; 32];

/// The header of a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    /// The magic of the journal's kind.
    pub(crate) magic: [u8; 8],
    /// The store that the segment belongs to.
    pub(crate) store: StoreId,
    /// The sequence of the first data frame.
    pub(crate) first: u64,
    /// The key of the frames' checks.
    pub(crate) key: SegmentKey,
}

impl SegmentHeader {
    pub(crate) fn encode(&self) -> [u8; SEGMENT_HEADER as usize] {
        let mut bytes = [0; SEGMENT_HEADER as usize];
        bytes[0..8].copy_from_slice(&self.magic);
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        bytes[16..32].copy_from_slice(&self.store);
        bytes[32..40].copy_from_slice(&self.first.to_le_bytes());
        bytes[48..80].copy_from_slice(&self.key);
        let check = check(&bytes[..112]);
        bytes[112..].copy_from_slice(&check);
        bytes
    }

    /// Decodes the header of a segment of the given magic and store.
    ///
    /// # Errors
    /// The reason why the bytes are not such a header.
    pub(crate) fn decode(
        bytes: &[u8; SEGMENT_HEADER as usize],
        magic: [u8; 8],
        store: StoreId,
    ) -> Result<Self, String> {
        if bytes[112..] != check(&bytes[..112]) {
            return Err("the segment's header fails its check".into());
        }
        if bytes[0..8] != magic {
            return Err("the file is a segment of another kind".into());
        }
        let version = u32_at(bytes, 8);
        if version != VERSION {
            return Err(format!("the segment is of version {version}, not {VERSION}"));
        }
        if bytes[16..32] != store {
            return Err("the segment belongs to another store".into());
        }
        Ok(Self { magic, store, first: u64_at(bytes, 32), key: array(bytes, 48) })
    }
}

/// The purpose of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JournalFrameKind {
    /// The frame carries a payload.
    Data = 1,
    /// The frame records how much of the journal was durable. It has no payload.
    Mark = 2,
    /// The last frame of a segment. It proves that the next segment exists. It has no payload.
    Seal = 3,
}

/// The header of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FrameHeader {
    pub(crate) kind: JournalFrameKind,
    /// The sequence of a data frame itself; in other frames, that of the last data frame.
    pub(crate) seq: u64,
    /// All data frames up to this sequence were durable before this frame was written.
    pub(crate) durable: u64,
    /// The length of the payload, in bytes.
    pub(crate) length: u64,
    /// The check of the fields above. The payload's check covers it.
    pub(crate) check: Checksum,
    /// The check of the payload.
    pub(crate) payload_check: Checksum,
}

/// Returns the length of a frame including header and padding, or `None` on overflow.
pub(crate) fn frame_length(payload: u64) -> Option<u64> {
    payload.checked_add(FRAME_HEADER)?.checked_next_multiple_of(ALIGNMENT)
}

/// Computes the check of a payload incrementally.
pub(crate) struct PayloadCheck(blake3::Hasher);

impl PayloadCheck {
    pub(crate) fn new(key: &SegmentKey, header: &Checksum) -> Self {
        let mut hasher = blake3::Hasher::new_keyed(key);
        hasher.update(header);
        Self(hasher)
    }

    pub(crate) fn update(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    pub(crate) fn finish(&self) -> Checksum {
        truncate_check(&self.0.finalize())
    }
}

fn header_check(key: &SegmentKey, offset: u64, fields: &[u8]) -> Checksum {
    let mut hasher = blake3::Hasher::new_keyed(key);
    hasher.update(&offset.to_le_bytes());
    hasher.update(fields);
    truncate_check(&hasher.finalize())
}

/// Appends to `out` the frame for `offset` of the segment with `key`. The payload is the
/// concatenation of `parts`.
pub(crate) fn encode_frame(
    out: &mut Vec<u8>,
    key: &SegmentKey,
    offset: u64,
    (kind, seq, durable): (JournalFrameKind, u64, u64),
    parts: &[&[u8]],
) {
    let start = out.len();
    out.extend_from_slice(&FRAME_MAGIC);
    out.extend_from_slice(&(kind as u32).to_le_bytes());
    out.extend_from_slice(&seq.to_le_bytes());
    out.extend_from_slice(&durable.to_le_bytes());
    let length: usize = parts.iter().map(|part| part.len()).sum();
    out.reserve(length + 2 * FRAME_HEADER as usize);
    out.extend_from_slice(&(length as u64).to_le_bytes());
    let check = header_check(key, offset, &out[start..]);
    out.extend_from_slice(&check);
    let mut payload_check = PayloadCheck::new(key, &check);
    parts.iter().for_each(|part| payload_check.update(part));
    out.extend_from_slice(&payload_check.finish());
    parts.iter().for_each(|part| out.extend_from_slice(part));
    let padded = (out.len() - start).next_multiple_of(ALIGNMENT as usize);
    out.resize(start + padded, 0);
}

/// Decodes the header of the frame at `offset`.
///
/// # Errors
/// The reason why the bytes are not a valid header at this offset.
pub(crate) fn decode_frame(
    bytes: &[u8; FRAME_HEADER as usize],
    key: &SegmentKey,
    offset: u64,
) -> Result<FrameHeader, &'static str> {
    if bytes[0..4] != FRAME_MAGIC {
        return Err("no frame begins here");
    }
    let check: Checksum = array(bytes, 32);
    if check != header_check(key, offset, &bytes[..32]) {
        return Err("the frame's header fails its check");
    }
    let kind = match u32_at(bytes, 4) {
        1 => JournalFrameKind::Data,
        2 => JournalFrameKind::Mark,
        3 => JournalFrameKind::Seal,
        _ => return Err("the frame is of an unknown kind"),
    };
    Ok(FrameHeader {
        kind,
        seq: u64_at(bytes, 8),
        durable: u64_at(bytes, 16),
        length: u64_at(bytes, 24),
        check,
        payload_check: array(bytes, 48),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: SegmentKey = [7; 32];

    fn frame(payload: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        encode_frame(&mut bytes, &KEY, 128, (JournalFrameKind::Data, 5, 4), &[payload]);
        bytes
    }

    #[test]
    fn a_decoded_frame_equals_the_encoded_one() {
        for payload in [&b""[..], b"x", &[9; 16], &[9; 1000]] {
            let bytes = frame(payload);
            assert_eq!(Some(bytes.len() as u64), frame_length(payload.len() as u64));
            let header = decode_frame(&array(&bytes, 0), &KEY, 128).unwrap();
            assert_eq!((header.kind, header.seq, header.durable), (JournalFrameKind::Data, 5, 4));
            assert_eq!(header.length, payload.len() as u64);
            let mut check = PayloadCheck::new(&KEY, &header.check);
            check.update(payload);
            assert_eq!(check.finish(), header.payload_check);
        }
    }

    #[test]
    fn a_frame_is_invalid_at_another_offset_or_in_another_segment() {
        let bytes = array(&frame(b"payload"), 0);
        assert!(decode_frame(&bytes, &KEY, 144).is_err());
        assert!(decode_frame(&bytes, &[8; 32], 128).is_err());
    }

    #[test]
    fn every_flipped_bit_of_a_header_is_rejected() {
        let bytes: [u8; 64] = array(&frame(b"payload"), 0);
        for bit in 0..48 * 8 {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(decode_frame(&flipped, &KEY, 128).is_err(), "bit {bit}");
        }
        let header = SegmentHeader { magic: *b"PLANTEST", store: [1; 16], first: 9, key: KEY };
        let bytes = header.encode();
        assert_eq!(SegmentHeader::decode(&bytes, *b"PLANTEST", [1; 16]), Ok(header));
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(SegmentHeader::decode(&flipped, *b"PLANTEST", [1; 16]).is_err(), "bit {bit}");
        }
    }
}
