//! The grammar of law bodies: lets, then an expression; and the order in which lets are made.
//!
//! ```text
//! body        ::=  (1 value body)  |  expression
//! expression  ::=  n  (a reference, if n is in scope)  |  (0 f x)  |  (2 constant)  |  constant
//! ```

use plan::{Ref, Shape};

/// An expression of a body, read one level deep.
#[derive(Clone, Copy)]
pub(super) enum BodyExpr<'h> {
    /// A reference: 0 is the law itself; arguments follow, then lets.
    Reference(u64),
    /// A constant.
    Constant(Ref<'h>),
    /// An application.
    Application(Ref<'h>, Ref<'h>),
}

/// Reads an expression whose largest reference is `last_reference`.
pub(super) fn body_expr(node: Ref<'_>, last_reference: u64) -> BodyExpr<'_> {
    match node.shape() {
        Shape::Nat(nat) => match nat.to_u64() {
            Some(nat) if nat <= last_reference => BodyExpr::Reference(nat),
            _ => BodyExpr::Constant(node),
        },
        Shape::App(app) => {
            let mut args = app.args();
            match (app.head().as_u64(), args.next(), args.next(), args.next()) {
                (Some(0), Some(f), Some(x), None) => BodyExpr::Application(f, x),
                (Some(2), Some(constant), None, _) => BodyExpr::Constant(constant),
                _ => BodyExpr::Constant(node),
            }
        }
        _ => BodyExpr::Constant(node),
    }
}

/// Splits a body into the values that its lets bind and the expression under them.
pub(super) fn split_lets(mut body: Ref<'_>) -> (Vec<Ref<'_>>, Ref<'_>) {
    let mut values = Vec::new();
    while let Shape::App(app) = body.shape() {
        let mut args = app.args();
        match (app.head().as_u64(), args.next(), args.next(), args.next()) {
            (Some(1), Some(value), Some(rest), None) => {
                values.push(value);
                body = rest;
            }
            _ => break,
        }
    }
    (values, body)
}

/// The references in an expression, sorted, without duplicates; `None` if it has more than
/// `size_limit` nodes.
pub(super) fn references(
    node: Ref<'_>,
    last_reference: u64,
    size_limit: usize,
) -> Option<Vec<u64>> {
    let mut found = Vec::new();
    let mut todo = vec![node];
    let mut size = 0;
    while let Some(node) = todo.pop() {
        size += 1;
        if size > size_limit {
            return None;
        }
        match body_expr(node, last_reference) {
            BodyExpr::Reference(reference) => found.push(reference),
            BodyExpr::Constant(_) => {}
            BodyExpr::Application(f, x) => todo.extend([f, x]),
        }
    }
    found.sort_unstable();
    found.dedup();
    Some(found)
}

/// The strongly connected components of the lets that the body needs, by index, in dependency
/// order: a component follows the components it refers to. `uses` lists for each let the lets it
/// refers to, `roots` the lets that the body refers to.
///
/// Among independent components, those that reach fewer lets come first, then those with the
/// smaller index. Tarjan's algorithm would order them otherwise.
pub(super) fn let_groups(uses: &[Vec<usize>], roots: &[usize]) -> Vec<Vec<usize>> {
    let reach: Vec<Vec<bool>> = (0..uses.len()).map(|from| reachable(uses, &[from])).collect();
    let is_needed = reachable(uses, roots);
    // A let that reaches another one and is not reached back reaches more lets than that one.
    let mut indices: Vec<usize> = (0..uses.len()).filter(|&index| is_needed[index]).collect();
    indices.sort_by_key(|&index| reach[index].iter().filter(|reached| **reached).count());
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for index in indices {
        let component = groups.iter_mut().find(|group| {
            let other = group[0];
            reach[index][other] && reach[other][index]
        });
        match component {
            Some(group) => group.push(index),
            None => groups.push(vec![index]),
        }
    }
    groups
}

/// The lets that the roots reach, themselves included.
fn reachable(uses: &[Vec<usize>], roots: &[usize]) -> Vec<bool> {
    let mut seen = vec![false; uses.len()];
    let mut todo = roots.to_vec();
    while let Some(index) = todo.pop() {
        if !std::mem::replace(&mut seen[index], true) {
            todo.extend(&uses[index]);
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::let_groups;

    #[test]
    fn lets_come_after_what_they_need() {
        assert_eq!(let_groups(&[vec![1], vec![2], vec![]], &[0]), [[2], [1], [0]]);
        assert_eq!(let_groups(&[vec![], vec![0], vec![]], &[2]), [[2]]);
        let groups = let_groups(&[vec![1], vec![2, 3], vec![1], vec![3]], &[0]);
        assert_eq!(groups, [vec![3], vec![1, 2], vec![0]]);
    }
}
