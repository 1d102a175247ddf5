//! Tests of the jets and of the tables of known laws.

mod bounds;
mod containers;
mod data;
mod declarations;
mod deep;
mod harness;
mod keyed;
mod lazy;
mod long;
mod numbers;
mod reflection;
mod stress;
mod try_crash;
