//! Bit streams: bytes in order, the lowest bit of each first.

/// Appends bits to bytes.
pub(super) struct BitWriter {
    bytes: Vec<u8>,
    /// The bits that do not fill a byte yet.
    held: u64,
    count: u32,
}

impl BitWriter {
    /// Appends to these bytes.
    pub(super) fn after(bytes: Vec<u8>) -> BitWriter {
        BitWriter { bytes, held: 0, count: 0 }
    }

    /// Writes the `count` lowest bits of `bits`, lowest first; `count` is at most 56 and the bits
    /// above are 0.
    pub(super) fn put(&mut self, bits: u64, count: u32) {
        debug_assert!(count <= 56 && bits >> count == 0);
        self.held |= bits << self.count;
        self.count += count;
        while self.count >= 8 {
            self.bytes.push(self.held as u8);
            self.held >>= 8;
            self.count -= 8;
        }
    }

    /// Writes `count` ones.
    pub(super) fn put_ones(&mut self, mut count: usize) {
        while count > 0 {
            let now = count.min(32);
            self.put((1 << now) - 1, now as u32);
            count -= now;
        }
    }

    /// Returns the bytes; zero bits fill the last one.
    pub(super) fn finish(mut self) -> Vec<u8> {
        if self.count > 0 {
            self.bytes.push(self.held as u8);
        }
        self.bytes
    }
}

/// Reads bits from bytes.
pub(super) struct BitReader<'a> {
    bytes: &'a [u8],
    /// The index of the next bit.
    at: usize,
}

impl<'a> BitReader<'a> {
    /// Reads from byte `from` on. Memory holds fewer than 2^60 bytes, so the index of a bit does
    /// not overflow.
    pub(super) fn new(bytes: &'a [u8], from: usize) -> BitReader<'a> {
        BitReader { bytes, at: 8 * from }
    }

    /// Returns the index of the byte that has the next bit.
    pub(super) fn byte_offset(&self) -> usize {
        self.at / 8
    }

    /// Whether fewer than 64 bits are left, all zero.
    pub(super) fn only_padding_follows(&self) -> bool {
        let after = self.bytes.get(self.at / 8 + 1..).unwrap_or_default();
        self.remaining() < 64
            && self.peek() & 0xff >> (self.at % 8) == 0
            && after.iter().all(|&b| b == 0)
    }

    /// Returns the number of bits that are left.
    fn remaining(&self) -> usize {
        8 * self.bytes.len() - self.at
    }

    /// Returns the next 64 bits, with zeroes behind the end. Only the first 57 of them are valid.
    fn peek(&self) -> u64 {
        let rest = self.bytes.get(self.at / 8..).unwrap_or_default();
        let mut word = [0; 8];
        let taken = rest.len().min(8);
        word[..taken].copy_from_slice(&rest[..taken]);
        u64::from_le_bytes(word) >> (self.at % 8)
    }

    /// Reads `count` bits, at most 56; `None` if fewer are left.
    pub(super) fn get(&mut self, count: u32) -> Option<u64> {
        debug_assert!(count <= 56);
        if self.remaining() < count as usize {
            return None;
        }
        let bits = self.peek() & ((1 << count) - 1);
        self.at += count as usize;
        Some(bits)
    }

    /// Reads ones and the zero behind them, and returns the number of ones; `None` if there is no
    /// zero.
    pub(super) fn get_ones(&mut self) -> Option<usize> {
        let mut ones = 0;
        loop {
            let run = (self.peek().trailing_ones() as usize).min(56);
            if run >= self.remaining() {
                return None;
            }
            ones += run;
            self.at += run;
            if run < 56 {
                self.at += 1;
                return Some(ones);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_bits_are_read() {
        let runs = [0, 1, 7, 8, 55, 56, 57, 63, 64, 65, 200];
        let mut writer = BitWriter::after(vec![9, 9, 9]);
        for (index, &run) in runs.iter().enumerate() {
            writer.put_ones(run);
            writer.put(0, 1);
            writer.put(index as u64, 5 + index as u32);
        }
        let bytes = writer.finish();
        let mut reader = BitReader::new(&bytes, 3);
        for (index, &run) in runs.iter().enumerate() {
            assert_eq!(reader.get_ones(), Some(run));
            assert_eq!(reader.get(5 + index as u32), Some(index as u64));
        }
        assert!(reader.remaining() < 8);
    }

    #[test]
    fn reading_stops_at_the_end() {
        let mut reader = BitReader::new(&[0xff, 0xff], 0);
        assert_eq!(reader.get_ones(), None);
        assert_eq!(reader.get(16), Some(0xffff));
        assert_eq!(reader.get(0), Some(0));
        assert_eq!(reader.get(1), None);
        assert_eq!(reader.get_ones(), None);
    }
}
