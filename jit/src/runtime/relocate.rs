//! Writing addresses into machine code.

use cranelift_codegen::binemit::Reloc;

/// Why a relocation cannot be applied.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(super) enum RelocationError {
    /// The place is not within the code.
    #[error("a relocation outside the code")]
    Outside,
    /// The target is too far from the place.
    #[error("a target out of reach")]
    OutOfReach,
    /// The encoding is not known here.
    #[error("a relocation of kind {0:?}")]
    Unknown(Reloc),
}

/// Encodes the address `target` in `code`, which will run at the address `base`, at `offset`.
///
/// The encodings are those of Cranelift's [`Reloc`]. Only the kinds are known here that code within one
/// region needs.
pub(super) fn relocate(
    code: &mut [u8],
    base: usize,
    offset: usize,
    kind: Reloc,
    target: usize,
) -> Result<(), RelocationError> {
    let at = base.wrapping_add(offset);
    let distance = (target as i64).wrapping_sub(at as i64);
    match kind {
        Reloc::Abs8 => *bytes_at(code, offset)? = (target as u64).to_le_bytes(),
        Reloc::X86PCRel4 | Reloc::X86CallPCRel4 => {
            let distance = i32::try_from(distance).map_err(|_| RelocationError::OutOfReach)?;
            *bytes_at(code, offset)? = distance.to_le_bytes();
        }
        Reloc::Arm64Call => {
            let distance = (distance >> 2) as i32;
            if distance >> 25 != 0 && distance >> 25 != -1 {
                return Err(RelocationError::OutOfReach);
            }
            add_bits(code, offset, distance as u32 & 0x03ff_ffff)?;
        }
        Reloc::Aarch64AdrPrelPgHi21 => {
            let pages = ((target & !0xfff) as i64).wrapping_sub((at & !0xfff) as i64) >> 12;
            let pages = pages as u32;
            add_bits(code, offset, (pages & 3) << 29 | (pages & 0x1f_fffc) << 3)?;
        }
        Reloc::Aarch64AddAbsLo12Nc => add_bits(code, offset, (target as u32 & 0xfff) << 10)?,
        other => return Err(RelocationError::Unknown(other)),
    }
    Ok(())
}

/// The bytes that a relocation changes.
fn bytes_at<const N: usize>(
    code: &mut [u8],
    offset: usize,
) -> Result<&mut [u8; N], RelocationError> {
    code.get_mut(offset..).and_then(|rest| rest.first_chunk_mut()).ok_or(RelocationError::Outside)
}

/// Sets bits of an instruction of four bytes.
fn add_bits(code: &mut [u8], offset: usize, bits: u32) -> Result<(), RelocationError> {
    let bytes = bytes_at(code, offset)?;
    *bytes = (u32::from_le_bytes(*bytes) | bits).to_le_bytes();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_encoded() {
        let mut code = [0; 16];
        relocate(&mut code, 0x1000, 4, Reloc::Abs8, 0x1122_3344_5566_7788).expect("it fits");
        assert_eq!(code[4..12], 0x1122_3344_5566_7788u64.to_le_bytes());
        relocate(&mut code, 0x1000, 0, Reloc::X86CallPCRel4, 0xff0).expect("it fits");
        assert_eq!(code[..4], (-16i32).to_le_bytes());
        let mut call = 0x9400_0000u32.to_le_bytes();
        relocate(&mut call, 0x1000, 0, Reloc::Arm64Call, 0xff0).expect("it fits");
        assert_eq!(u32::from_le_bytes(call), 0x97ff_fffc);
        let mut page = 0x9000_0000u32.to_le_bytes();
        relocate(&mut page, 0x1000, 0, Reloc::Aarch64AdrPrelPgHi21, 0x6fff).expect("it fits");
        assert_eq!(u32::from_le_bytes(page), 0xb000_0020);
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let mut code = [0; 8];
        let apply = |code: &mut [u8], offset, kind, target| relocate(code, 0, offset, kind, target);
        let outside = Err(RelocationError::Outside);
        assert_eq!(apply(&mut code, 1, Reloc::Abs8, 0), outside);
        assert_eq!(apply(&mut code, usize::MAX, Reloc::X86PCRel4, usize::MAX), outside);
        let far = Err(RelocationError::OutOfReach);
        assert_eq!(apply(&mut code, 0, Reloc::X86PCRel4, 1 << 31), far);
        assert_eq!(apply(&mut code, 0, Reloc::Arm64Call, 1 << 27), far);
        let unknown = Err(RelocationError::Unknown(Reloc::Abs4));
        assert_eq!(apply(&mut code, 0, Reloc::Abs4, 0), unknown);
        assert_eq!(code, [0; 8]);
    }
}
