//! [`NameUse`]: what a name in the source of a module refers to.
//!
//! Only the reader of expressions knows which variable or definition a name means, because macros
//! decide what binds names. While a [`NameRecorder`] is active, the reader records each name with the
//! part of the Rex value that spells it. A macro usually returns the leaves of its input unchanged,
//! so a recorded part is mostly identical with a leaf of the command, whose place is known. A name
//! that a macro makes has no place, and is left out.

use crate::expr::Binding;
use crate::nat_text;
use crate::rex_value::RexView;
use foldhash::{HashMap, HashMapExt, HashSet};
use plan::{Natural, Val};
use rex::{Rex, SourceSpan};
use std::ops::Range;
use std::rc::Rc;
use vm::Vm;

/// What a name refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NameTarget {
    /// A definition of a module.
    Global {
        /// The module that has the definition.
        module: String,
        /// The name by which that module defines it.
        name: String,
    },
    /// A variable.
    Local {
        /// The bytes of the text that bind it.
        binder: Range<usize>,
    },
}

/// A name in the source of a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameUse {
    /// The name as it is written.
    pub name: String,
    /// Its place, in bytes of the text.
    pub range: Range<usize>,
    /// What it refers to.
    pub target: NameTarget,
    /// Whether this place binds the name.
    pub is_definition: bool,
}

/// What a recorded name refers to.
enum RecordedTarget {
    Binding(Rc<Binding>),
    Definition { module: Natural, name: Natural },
    Variable(VariableNumber),
}

/// A variable of the current command.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct VariableNumber(u32);

struct NameRecord {
    /// The part of the source, as a Rex value.
    part: Val,
    target: RecordedTarget,
    is_definition: bool,
}

/// Records the names of a command, if it is active.
#[derive(Default)]
pub(crate) struct NameRecorder {
    pub(crate) is_active: bool,
    /// The number of bytes of the text in front of the command.
    pub(crate) offset: usize,
    records: Vec<NameRecord>,
    variables: u32,
    located: Vec<NameUse>,
}

impl NameRecorder {
    /// Forgets the names of the last command.
    pub(crate) fn clear(&mut self) {
        self.records.clear();
        self.variables = 0;
    }

    /// Records a name that refers to a binding.
    pub(crate) fn global(&mut self, part: &Val, binding: &Rc<Binding>) {
        self.record(part, || RecordedTarget::Binding(Rc::clone(binding)), false);
    }

    /// Records a name that `module` defines.
    pub(crate) fn definition(&mut self, part: &Val, module: &Natural, name: &Natural) {
        let target = || RecordedTarget::Definition { module: module.clone(), name: name.clone() };
        self.record(part, target, true);
    }

    /// Records a name that binds a variable, and returns the number of the variable.
    pub(crate) fn binder(&mut self, part: Option<&Val>) -> VariableNumber {
        self.variables += 1;
        let number = VariableNumber(self.variables);
        if let Some(part) = part {
            self.record(part, || RecordedTarget::Variable(number), true);
        }
        number
    }

    /// Records a name that refers to a variable.
    pub(crate) fn variable(&mut self, part: &Val, number: VariableNumber) {
        self.record(part, || RecordedTarget::Variable(number), false);
    }

    fn record(&mut self, part: &Val, target: impl FnOnce() -> RecordedTarget, is_definition: bool) {
        if self.is_active {
            let part = part.clone();
            self.records.push(NameRecord { part, target: target(), is_definition });
        }
    }

    /// Takes the names of the last command that have a place, in the order of the text.
    pub(crate) fn take_located(&mut self) -> Vec<NameUse> {
        std::mem::take(&mut self.located)
    }

    /// Finds the places of the recorded names in the command `rex`, whose value is `value`.
    pub(crate) fn locate(&mut self, vm: &Vm, rex: &Rex, value: &Val) {
        if self.is_active {
            self.located = self.uses(vm, rex, value);
        }
    }

    fn uses(&self, vm: &Vm, rex: &Rex, value: &Val) -> Vec<NameUse> {
        let offset = self.offset;
        let leaves = leaves_by_text(vm, rex, value);
        let mut found: Vec<(&NameRecord, &SourceLeaf<'_>)> = self
            .records
            .iter()
            .filter_map(|record| Some((record, leaf_of(vm, &leaves, &record.part)?)))
            .collect();
        let rebuilt = self.rebuilt_binders(vm, &leaves, &found);
        found.extend(rebuilt);
        let targets = targets(vm, &found, offset);
        let mut uses: Vec<NameUse> = found
            .iter()
            .filter_map(|(record, leaf)| {
                let target = match &record.target {
                    RecordedTarget::Variable(number) => targets.get(number)?.clone(),
                    other => global_target(vm, other)?,
                };
                let range = leaf.range(offset);
                let is_definition = record.is_definition;
                Some(NameUse { name: leaf.text.to_owned(), range, target, is_definition })
            })
            .collect();
        // Of several records of one place, the definition counts.
        uses.sort_by_key(|name| (name.range.start, !name.is_definition, is_local(&name.target)));
        uses.dedup_by_key(|name| name.range.start);
        uses
    }
}

fn is_local(target: &NameTarget) -> bool {
    matches!(target, NameTarget::Local { .. })
}

impl NameRecorder {
    /// Finds the binders of variables whose leaves a macro has made anew, as macros for patterns do: the
    /// last leaf with the name, in front of the first use, that no record is about.
    fn rebuilt_binders<'f, 'r>(
        &'f self,
        vm: &Vm,
        leaves: &'f HashMap<&str, Vec<SourceLeaf<'r>>>,
        found: &[(&'f NameRecord, &'f SourceLeaf<'r>)],
    ) -> Vec<(&'f NameRecord, &'f SourceLeaf<'r>)> {
        let start = |leaf: &SourceLeaf<'_>| leaf.span.range().start;
        let mut taken: HashSet<usize> = found.iter().map(|(_, leaf)| start(leaf)).collect();
        let mut rebuilt = Vec::new();
        for record in self.records.iter().filter(|record| record.is_definition) {
            let RecordedTarget::Variable(number) = record.target else { continue };
            let is_it = |other: &NameRecord| matches!(other.target, RecordedTarget::Variable(other) if other == number);
            let of_variable = || found.iter().filter(|(other, _)| is_it(other));
            if of_variable().any(|(other, _)| other.is_definition) {
                continue;
            }
            let Some(first) = of_variable().map(|(_, leaf)| start(leaf)).min() else { continue };
            let RexView::Leaf { text, .. } = RexView::of(vm, &record.part) else { continue };
            let candidates = leaves.get(text.as_str()).into_iter().flatten();
            let free =
                candidates.filter(|leaf| start(leaf) < first && !taken.contains(&start(leaf)));
            if let Some(leaf) = free.max_by_key(|leaf| start(leaf)) {
                taken.insert(start(leaf));
                rebuilt.push((record, leaf));
            }
        }
        rebuilt
    }
}

/// Returns what the variables stand for. The variable by which a definition refers to itself stands
/// for the definition.
fn targets(
    vm: &Vm,
    found: &[(&NameRecord, &SourceLeaf<'_>)],
    offset: usize,
) -> HashMap<VariableNumber, NameTarget> {
    let mut definitions: HashMap<usize, NameTarget> = HashMap::new();
    for (record, leaf) in found {
        if let RecordedTarget::Definition { .. } = record.target
            && let Some(target) = global_target(vm, &record.target)
        {
            definitions.insert(leaf.range(offset).start, target);
        }
    }
    let mut targets = HashMap::new();
    for (record, leaf) in found {
        if let (RecordedTarget::Variable(number), true) = (&record.target, record.is_definition) {
            let binder = leaf.range(offset);
            let own = definitions.get(&binder.start).cloned();
            targets.insert(*number, own.unwrap_or(NameTarget::Local { binder }));
        }
    }
    targets
}

fn global_target(vm: &Vm, target: &RecordedTarget) -> Option<NameTarget> {
    let (module, name) = match target {
        RecordedTarget::Binding(binding) => (binding.location(vm)?, binding.name(vm)?),
        RecordedTarget::Definition { module, name } => (module.clone(), name.clone()),
        RecordedTarget::Variable(_) => return None,
    };
    let (module, name) = (nat_text::to_text(&module), nat_text::to_text(&name));
    Some(NameTarget::Global { module, name })
}

/// A leaf of a command.
struct SourceLeaf<'r> {
    text: &'r str,
    value: Val,
    span: SourceSpan,
}

impl SourceLeaf<'_> {
    /// Returns the place of the leaf's text in the source, without quotes.
    fn range(&self, offset: usize) -> Range<usize> {
        let span = self.span.range();
        // `}_x_` has two characters in front, `{x}` and `"x"` have one.
        let quotes = span.len().saturating_sub(self.text.len()).div_ceil(2);
        let start = offset + span.start + quotes;
        start..start + self.text.len()
    }
}

fn leaves_by_text<'r>(vm: &Vm, rex: &'r Rex, value: &Val) -> HashMap<&'r str, Vec<SourceLeaf<'r>>> {
    let mut leaves: HashMap<&str, Vec<SourceLeaf<'_>>> = HashMap::new();
    let mut pending = vec![(rex, value.clone())];
    while let Some((rex, value)) = pending.pop() {
        let (sons, heir) = match RexView::of(vm, &value) {
            RexView::Node { sons, heir, .. } => (sons, heir),
            RexView::Leaf { heir, .. } => (Vec::new(), heir),
            RexView::Embed(_) | RexView::Malformed => continue,
        };
        pending.extend(rex.heir().zip(heir));
        pending.extend(rex.sons().iter().zip(sons));
        if let Rex::Leaf { text, span, .. } = rex {
            leaves.entry(text).or_default().push(SourceLeaf { text, value, span: *span });
        }
    }
    leaves
}

/// Returns the leaf that a recorded part is identical with.
fn leaf_of<'l, 'r>(
    vm: &Vm,
    leaves: &'l HashMap<&str, Vec<SourceLeaf<'r>>>,
    part: &Val,
) -> Option<&'l SourceLeaf<'r>> {
    let part_view = RexView::of(vm, part);
    let RexView::Leaf { text, .. } = &part_view else { return None };
    let candidates = leaves.get(text.as_str())?;
    candidates.iter().find(|leaf| vm.look(&leaf.value).is_same(vm.look(part)))
}
