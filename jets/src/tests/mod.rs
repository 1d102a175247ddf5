//! Tests of the tables and of the jets.

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
