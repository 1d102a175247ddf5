//! Measures the number of limbs from which malachite multiplies and divides faster than the schoolbook
//! methods: `cargo run --release -p plan --example products`.
//!
//! The times of malachite include copying the factors to naturals and the product back.

use malachite_base::num::arithmetic::traits::DivMod;
use plan::{Natural, limbs};
use std::hint::black_box;
use std::time::Instant;

fn number(limbs: usize, seed: u64) -> Vec<u64> {
    let next = |x: &u64| Some(x.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e));
    std::iter::successors(Some(seed), next).skip(1).map(|x| x ^ (x >> 29)).take(limbs).collect()
}

/// The shortest time of `work`, in nanoseconds.
fn time(limbs: usize, mut work: impl FnMut()) -> f64 {
    let times = (200_000 / limbs.max(1)).max(20);
    let mut best = f64::INFINITY;
    for _ in 0..9 {
        let start = Instant::now();
        (0..times).for_each(|_| work());
        best = best.min(start.elapsed().as_secs_f64() / times as f64);
    }
    best * 1e9
}

fn products(long: usize, short: usize) {
    let (a, b) = (number(long, 1), number(short, 2));
    let mut out = vec![0; long + short];
    let in_place =
        time(long * short, || limbs::mul(black_box(&mut out), black_box(&a), black_box(&b)));
    let malachite = time(long * short, || {
        let product = Natural::from_limbs_asc(black_box(&a)) * Natural::from_limbs_asc(&b);
        out[..product.as_limbs_asc().len()].copy_from_slice(product.as_limbs_asc());
    });
    println!(
        "{long:>6} x {short:<6} {in_place:>12.0} {malachite:>12.0}   {:.2}",
        in_place / malachite
    );
}

fn quotients(long: usize) {
    let a = number(long, 1);
    let divisor = 0x0123_4567_89ab_cdef;
    let mut out = vec![0; long];
    let in_place = time(long, || {
        limbs::div_limb(black_box(&mut out), black_box(&a), black_box(divisor));
    });
    let malachite = time(long, || {
        let quotient = Natural::from_limbs_asc(black_box(&a)) / Natural::from(divisor);
        out[..quotient.as_limbs_asc().len()].copy_from_slice(quotient.as_limbs_asc());
    });
    println!("{long:>6} / 1      {in_place:>12.0} {malachite:>12.0}   {:.2}", in_place / malachite);
}

fn long_quotients(long: usize, short: usize) {
    let (a, b) = (number(long, 1), number(short, 2));
    let mut out = vec![0; long + 1];
    let in_place =
        time(long * short, || limbs::divide(black_box(&mut out), black_box(&a), black_box(&b)));
    let malachite = time(long * short, || {
        let (quotient, _) =
            Natural::from_limbs_asc(black_box(&a)).div_mod(Natural::from_limbs_asc(&b));
        out[..quotient.as_limbs_asc().len()].copy_from_slice(quotient.as_limbs_asc());
    });
    println!(
        "{long:>6} / {short:<6} {in_place:>12.0} {malachite:>12.0}   {:.2}",
        in_place / malachite
    );
}

fn main() {
    println!("limbs              in place ns    malachite   ratio");
    for limbs in [2, 4, 8, 12, 16, 20, 24, 28, 32, 40, 48, 64, 96, 128] {
        products(limbs, limbs);
    }
    for (long, short) in [(1000, 1), (1000, 8), (1000, 16), (1000, 24), (1000, 32), (1000, 48)] {
        products(long, short);
    }
    for limbs in [2, 8, 64, 1000] {
        quotients(limbs);
    }
    for (long, short) in [(3, 2), (4, 2), (8, 4), (16, 8), (32, 16), (64, 32), (96, 48), (128, 64)]
    {
        long_quotients(long, short);
    }
    for (long, short) in
        [(33, 32), (65, 64), (1000, 2), (1000, 8), (1000, 16), (1000, 32), (1000, 64)]
    {
        long_quotients(long, short);
    }
}
