//! What a law's body says: its lets, and what each expression is.

use vm::{Ref, Shape};

/// What an expression of a law's body is.
#[derive(Clone, Copy)]
pub(super) enum Form<'h> {
    /// A reference: 0 the law itself, then arguments, then lets.
    Reference(u64),
    /// A value.
    Constant(Ref<'h>),
    /// An application.
    Application(Ref<'h>, Ref<'h>),
}

/// Reads an expression whose references go up to `last`.
pub(super) fn form(node: Ref<'_>, last: u64) -> Form<'_> {
    match node.shape() {
        Shape::Nat(nat) => match nat.to_u64() {
            Some(nat) if nat <= last => Form::Reference(nat),
            _ => Form::Constant(node),
        },
        Shape::App(app) => {
            let mut args = app.args();
            match (app.head().as_u64(), args.next(), args.next(), args.next()) {
                (Some(0), Some(f), Some(x), None) => Form::Application(f, x),
                (Some(2), Some(constant), None, _) => Form::Constant(constant),
                _ => Form::Constant(node),
            }
        }
        _ => Form::Constant(node),
    }
}

/// The values that a body's lets bind, and what is under them.
pub(super) fn split(mut body: Ref<'_>) -> (Vec<Ref<'_>>, Ref<'_>) {
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

/// The references in an expression, sorted, each once; nothing if it has more than `limit` nodes.
pub(super) fn references(node: Ref<'_>, last: u64, limit: usize) -> Option<Vec<u64>> {
    let mut found = Vec::new();
    let mut todo = vec![node];
    let mut seen = 0;
    while let Some(node) = todo.pop() {
        seen += 1;
        if seen > limit {
            return None;
        }
        match form(node, last) {
            Form::Reference(reference) => found.push(reference),
            Form::Constant(_) => {}
            Form::Application(f, x) => todo.extend([f, x]),
        }
    }
    found.sort_unstable();
    found.dedup();
    Some(found)
}

/// The lets that are needed, by index, in groups: each comes after those it refers to, and those
/// that refer to each other come together. `needs` are the lets that each refers to, `roots` those
/// that the body does.
pub(super) fn order(needs: &[Vec<usize>], roots: &[usize]) -> Vec<Vec<usize>> {
    let reach: Vec<Vec<bool>> = (0..needs.len()).map(|from| reachable(needs, &[from])).collect();
    let wanted = reachable(needs, roots);
    // What reaches another, and is not reached back, reaches more.
    let mut indices: Vec<usize> = (0..needs.len()).filter(|&index| wanted[index]).collect();
    indices.sort_by_key(|&index| reach[index].iter().filter(|reached| **reached).count());
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for index in indices {
        let knot = groups.iter_mut().find(|group| {
            let other = group[0];
            reach[index][other] && reach[other][index]
        });
        match knot {
            Some(group) => group.push(index),
            None => groups.push(vec![index]),
        }
    }
    groups
}

fn reachable(needs: &[Vec<usize>], roots: &[usize]) -> Vec<bool> {
    let mut seen = vec![false; needs.len()];
    let mut todo = roots.to_vec();
    while let Some(index) = todo.pop() {
        if !std::mem::replace(&mut seen[index], true) {
            todo.extend(&needs[index]);
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::order;

    #[test]
    fn lets_come_after_what_they_need() {
        assert_eq!(order(&[vec![1], vec![2], vec![]], &[0]), [[2], [1], [0]]);
        assert_eq!(order(&[vec![], vec![0], vec![]], &[2]), [[2]]);
        let knots = order(&[vec![1], vec![2, 3], vec![1], vec![3]], &[0]);
        assert_eq!(knots, [vec![3], vec![1, 2], vec![0]]);
    }
}
