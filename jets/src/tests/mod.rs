//! Tests of the tables and of the jets.

mod attempts;
mod bench;
mod bounds;
mod containers;
mod data;
mod declarations;
mod deep;
mod keyed;
mod lazy;
mod long;
mod numbers;
mod reflection;
mod stress;
