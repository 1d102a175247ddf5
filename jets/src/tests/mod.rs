//! Tests of the tables and of the jets.

mod declarations;
