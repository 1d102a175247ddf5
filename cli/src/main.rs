//! The `pallas` command.

fn main() {}
