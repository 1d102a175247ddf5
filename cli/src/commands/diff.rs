//! `diff`: what changed between two states of a machine.

use super::history::{OpenHistory, settings, value_text};
use crate::args::DiffArgs;
use crate::{json, terminal};
use anyhow::Context;
use machine::{DiffLimit, StateChange, StateDiff};
use serde::Serialize;
use std::fmt::Write as _;
use std::io::{self, Write as _};

/// Prints the differences.
pub(crate) fn diff(args: DiffArgs) -> anyhow::Result<()> {
    let limit = terminal::print_options(args.print)?.limit.for_messages();
    let settings = settings(args.evaluation, args.print)?;
    let mut opened = OpenHistory::open(&args.store, settings)?;
    let mut replay = opened.history.replay_at(args.from)?;
    let changes = DiffLimit { changes: args.changes };
    let diff = replay.diff_to(args.to, changes, &mut |value| value_text(value, limit))?;
    drop(replay);
    opened.store.confirm()?;
    let text = if args.json {
        json::text(&JsonDiff::of(args.from, args.to, &diff))?
    } else {
        tree_text(&diff)
    };
    io::stdout().write_all(text.as_bytes()).context("cannot write the output")
}

/// The changes as a tree: each level of the paths is indented below the one above.
fn tree_text(diff: &StateDiff) -> String {
    let mut text = String::new();
    let mut shown: &[String] = &[];
    for StateChange { path, old, new } in &diff.changes {
        let common = shown.iter().zip(path).take_while(|(shown, part)| shown == part).count();
        for (depth, part) in path.iter().enumerate().skip(common) {
            push_lines(&mut text, depth, "", part);
        }
        for (sign, value) in [("- ", old), ("+ ", new)] {
            if let Some(value) = value {
                push_lines(&mut text, path.len(), sign, value);
            }
        }
        shown = path;
    }
    if diff.more > 0 {
        let _ = writeln!(text, "and {} more changes", diff.more);
    }
    if diff.changes.is_empty() {
        text.push_str("no difference\n");
    }
    text
}

fn push_lines(text: &mut String, depth: usize, sign: &str, value: &str) {
    for line in value.lines() {
        let _ = writeln!(text, "{:indent$}{sign}{line}", "", indent = 2 * depth);
    }
}

/// A diff with the keys of the JSON output.
#[derive(Serialize)]
struct JsonDiff<'d> {
    from: u64,
    to: u64,
    changes: Vec<JsonChange<'d>>,
    more: usize,
}

#[derive(Serialize)]
struct JsonChange<'d> {
    path: String,
    old: Option<&'d str>,
    new: Option<&'d str>,
}

impl<'d> JsonDiff<'d> {
    fn of(from: u64, to: u64, diff: &'d StateDiff) -> JsonDiff<'d> {
        let changes = diff.changes.iter().map(|change| JsonChange {
            path: change.path.join("/"),
            old: change.old.as_deref(),
            new: change.new.as_deref(),
        });
        JsonDiff { from, to, changes: changes.collect(), more: diff.more }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(path: &[&str], old: Option<&str>, new: Option<&str>) -> StateChange {
        let path = path.iter().map(|part| (*part).to_owned()).collect();
        StateChange { path, old: old.map(str::to_owned), new: new.map(str::to_owned) }
    }

    #[test]
    fn a_diff_is_printed_as_a_tree() {
        let changes = vec![
            change(&["state", "bob"], None, Some("1")),
            change(&["state", "eve"], Some("2"), Some("[3\n4]")),
            change(&["reads"], Some("f"), None),
        ];
        let text = tree_text(&StateDiff { changes, more: 2 });
        let expected = "state\n  bob\n    + 1\n  eve\n    - 2\n    + [3\n    + 4]\nreads\n  - f\n\
                        and 2 more changes\n";
        assert_eq!(text, expected);
        assert_eq!(tree_text(&StateDiff::default()), "no difference\n");
    }
}
