use super::*;
use crate::plain::from_term;
use crate::samples::heap;
use crate::{Heap, ParseHashError, Val};
use spec::Term;

fn hash_of(text: &str) -> Hash {
    let heap = &mut heap(false);
    let value = from_term(heap, &Term::parse(text).unwrap()).unwrap();
    heap.hash(&value).unwrap()
}

fn blake3(parts: &[&[u8]]) -> Hash {
    Hash(blake3::hash(&parts.concat()).into())
}

/// A number in its written form: the count of its limbs, and the limbs.
fn number(limbs: &[u64]) -> Vec<u8> {
    let words = std::iter::once(limbs.len() as u64).chain(limbs.iter().copied());
    words.flat_map(u64::to_le_bytes).collect()
}

#[test]
fn each_shape_is_written_as_the_table_says() {
    let (zero, one, two) = (number(&[]), number(&[1]), number(&[2]));
    assert_eq!(hash_of("0"), blake3(&[&[3], &zero]));
    assert_eq!(hash_of("18446744073709551616"), blake3(&[&[3], &number(&[0, 1])]));
    assert_eq!(hash_of("<0>"), blake3(&[&[0], &hash_of("0").0]));
    assert_eq!(hash_of("{1 2 <0>}"), blake3(&[&[1], &one, &two, &[0], &hash_of("0").0]));
    assert_eq!(hash_of("(0 1)"), blake3(&[&[2], &1u64.to_le_bytes(), &[3], &zero, &[3], &one]));
    assert_eq!(hash_of("{1 1 353}"), blake3(&[&[4], &1u64.to_le_bytes(), b"a"]));
    assert_eq!(hash_of("{0 2 0}"), blake3(&[&[5], &one]));
    assert_eq!(hash_of("{0 1 0}"), blake3(&[&[6], &0u64.to_le_bytes()]));
    assert_eq!(hash_of("{1 2 {0 1 0}}"), blake3(&[&[7], &0u64.to_le_bytes()]));
}

#[test]
fn wide_row_constructors_hash_like_narrow_ones() {
    for (arity, width) in [
        ("281474976710656", [0xffff_ffff_ffff, 0]),
        ("281474976710657", [0x1_0000_0000_0000, 0]),
        ("18446744073709551616", [u64::MAX, 0]),
        ("18446744073709551617", [0, 1]),
    ] {
        let limbs = if width[1] == 0 { &width[..1] } else { &width };
        let expected = blake3(&[&[5], &number(limbs)]);
        assert_eq!(hash_of(&format!("{{0 {arity} 0}}")), expected, "{arity}");
    }
}

#[test]
fn large_values_are_hashed_in_pieces() {
    let heap = &mut heap(false);
    for length in
        [BUFFER_SIZE - 20, BUFFER_SIZE - 9, BUFFER_SIZE, BUFFER_SIZE + 1, 3 * BUFFER_SIZE + 5]
    {
        let bytes = vec![b'x'; length];
        let bar = heap.bar(&bytes).unwrap();
        let row = heap.row(&[bar.clone(), bar.clone()]).unwrap();
        let bar_bytes = [&[4], &(length as u64).to_le_bytes() as &[u8], &bytes].concat();
        assert_eq!(heap.hash(&bar).unwrap(), blake3(&[&bar_bytes]));
        let expected = blake3(&[&[6], &2u64.to_le_bytes(), &bar_bytes, &bar_bytes]);
        assert_eq!(heap.hash(&row).unwrap(), expected);
    }
}

#[test]
fn text_and_back() {
    let hash = hash_of("7");
    assert_eq!(hash.to_string().parse(), Ok(hash));
    assert_eq!(Hash([0; 32]).to_string(), "1".repeat(32));
    assert_eq!("1".repeat(32).parse(), Ok(Hash([0; 32])));
    assert_eq!("1".repeat(31).parse::<Hash>(), Err(ParseHashError::Length));
    assert_eq!("1".repeat(33).parse::<Hash>(), Err(ParseHashError::Length));
    assert_eq!("".parse::<Hash>(), Err(ParseHashError::Length));
    assert_eq!("z".repeat(44).parse::<Hash>(), Err(ParseHashError::Length));
    assert_eq!("ab0".parse::<Hash>(), Err(ParseHashError::Character { offset: 2 }));
    assert_eq!("aé".parse::<Hash>(), Err(ParseHashError::Character { offset: 1 }));
}

/// The pin of a row of two equal values, nested `times` times.
fn doubled(heap: &mut Heap, times: usize) -> Val {
    let mut value = heap.nat(0);
    for _ in 0..times {
        let row = heap.row(&[value.clone(), value]).unwrap();
        value = heap
            .build(|b| {
                b.push(&row);
                b.pin()
            })
            .unwrap();
    }
    value
}

#[test]
fn pins_are_hashed_once_and_however_deep() {
    let heap = &mut heap(false);
    let (one, two) = (doubled(heap, 100_000), doubled(heap, 100_000));
    assert_eq!(heap.hash(&one).unwrap(), heap.hash(&two).unwrap());
    assert!(crate::order::equal(heap.look(&one), heap.look(&two)));
    let shallow = doubled(heap, 99_999);
    assert_ne!(heap.hash(&one).unwrap(), heap.hash(&shallow).unwrap());
}
