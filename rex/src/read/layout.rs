//! The tree that a block's indentation stands for.
//!
//! A free-standing rune opens a node, whose column is that of the rune's last character. What comes
//! next belongs to the innermost open node that is not to the right of it: as a son if it is further
//! right than the node, as the heir if it is in the same column. A node that already has an heir
//! makes that its last son when another one comes.

use super::form::Item;
use crate::{Rex, Shape};

/// A clump with its meaning, at the column that counts for layout.
#[derive(Debug)]
pub(super) struct Placed {
    pub(super) column: usize,
    pub(super) item: Item,
}

/// The tree of a block. Trees before the first rune of a block that does not begin with one, and
/// the node of that rune, become sons of a `|`.
pub(super) fn layout(clumps: Vec<Placed>) -> Rex {
    let mut clumps = clumps.into_iter();
    let mut row = Vec::new();
    while let Some(Placed { column, item }) = clumps.next() {
        match item {
            Item::Tree(tree) => row.push(tree.finish()),
            Item::Rune(rune) => row.push(runic(Open::new(column, rune), clumps.by_ref())),
        }
    }
    match row.pop() {
        Some(only) if row.is_empty() => only,
        last => {
            row.extend(last);
            Rex::open("|", row)
        }
    }
}

/// A node that may still get sons, or an heir.
struct Open {
    column: usize,
    rune: String,
    sons: Vec<Rex>,
    heir: Option<Rex>,
}

impl Open {
    fn new(column: usize, rune: String) -> Self {
        Open { column, rune, sons: Vec::new(), heir: None }
    }

    fn add(&mut self, column: usize, rex: Rex) {
        if self.heir.is_some() || column == self.column {
            self.sons.extend(self.heir.replace(rex));
        } else {
            self.sons.push(rex);
        }
    }

    fn close(self) -> Rex {
        Rex::node(Shape::Open, self.rune, self.sons, self.heir)
    }
}

/// The node that `innermost` becomes when all that follows it has found its place.
fn runic(mut innermost: Open, clumps: impl Iterator<Item = Placed>) -> Rex {
    let mut outer: Vec<Open> = Vec::new();
    for Placed { column, item } in clumps {
        while column < innermost.column
            && let Some(mut around) = outer.pop()
        {
            around.add(innermost.column, innermost.close());
            innermost = around;
        }
        match item {
            Item::Tree(tree) => innermost.add(column, tree.finish()),
            Item::Rune(rune) => {
                outer.push(std::mem::replace(&mut innermost, Open::new(column, rune)));
            }
        }
    }
    while let Some(mut around) = outer.pop() {
        around.add(innermost.column, innermost.close());
        innermost = around;
    }
    innermost.close()
}
