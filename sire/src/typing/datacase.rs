//! What `# datacase` expands to, as a case of the crate `types`.

use super::globals::GlobalName;
use super::terms::{Assembly, BuildTask, CaseShape, IncompleteCase, TermBuilder, spine};
use crate::expr::{ExprKind, SireExpr};
use crate::nat_text;
use crate::rex_value::RexView;
use plan::Val;
use std::rc::Rc;

/// The arms of `# datacase` in the source.
struct DatacaseArms {
    constructors: Vec<String>,
    has_fallback: bool,
}

impl TermBuilder<'_> {
    /// Begins what `# datacase` expands to: the value is bound, and a switch on its tag selects the
    /// arm. Returns whether the expression has that form.
    pub(super) fn begin_datacase(&mut self, expr: &SireExpr, source: &SireExpr, rex: &Val) -> bool {
        let ExprKind::Let(value, body) = &expr.kind else { return false };
        let (head, args) = spine(body);
        let Some(GlobalName { name, .. }) = self.name_of(head) else { return false };
        let ([_, fallback, arms], "switch" | "tabSwitch") = (&args[..], name.as_str()) else {
            return false;
        };
        let arms: Vec<(u64, SireExpr)> = match self.row_items(arms) {
            Some(items) => (0..).zip(items).collect(),
            None => {
                let (keys, rows) = spine(arms);
                let (Some(keys), [row]) = (self.set_keys(keys), &rows[..]) else { return false };
                let Some(items) = self.row_items(row) else { return false };
                keys.nats.into_iter().zip(items).collect()
            }
        };
        let source_arms = self.datacase_arms(rex);
        let names = &self.globals.names;
        let first = source_arms.constructors.first().and_then(|name| names.constructor(name));
        let Some((datatype, _)) = first else { return false };
        let constructors = names.constructors_of(datatype);
        let of_tag = |tag: u64| constructors.iter().position(|it| it.tag == tag);
        let Some(indices) = arms.iter().map(|(tag, _)| of_tag(*tag)).collect::<Option<Vec<_>>>()
        else {
            return false;
        };
        let is_missing = |index: &usize| !indices.contains(index);
        let missing = (0..constructors.len()).filter(is_missing);
        let missing: Vec<String> = missing.map(|index| constructors[index].name.clone()).collect();
        if !missing.is_empty() && !source_arms.has_fallback && self.incomplete.is_none() {
            self.incomplete = Some(IncompleteCase { source: Rc::clone(source), missing });
        }
        let shape = CaseShape {
            variables: [0].into(),
            datatype,
            constructors: indices,
            has_fallback: source_arms.has_fallback,
        };
        let build = |part: &SireExpr| BuildTask::Build(Rc::clone(part), Rc::clone(source));
        let bodies = arms.iter().map(|(_, body)| build(body));
        let fallback = source_arms.has_fallback.then(|| build(fallback));
        let assemble = |assembly| BuildTask::Assemble(assembly, Rc::clone(source));
        let ends = [assemble(Assembly::Case(shape)), assemble(Assembly::Let)];
        self.schedule([build(value)].into_iter().chain(bodies).chain(fallback).chain(ends));
        true
    }

    /// Reads the constructors of the arms of `# datacase`.
    fn datacase_arms(&self, rex: &Val) -> DatacaseArms {
        let mut arms = DatacaseArms { constructors: Vec::new(), has_fallback: false };
        let RexView::Node { heir, .. } = RexView::of(self.vm, rex) else { return arms };
        let mut next = heir;
        while let Some(arm) = next {
            let RexView::Node { rune, sons, heir, .. } = RexView::of(self.vm, &arm) else { break };
            if rune != nat_text::from_short("*") {
                break;
            }
            let key = sons.first().and_then(|first| {
                let view = RexView::of(self.vm, first);
                match view.key() {
                    Some(key) => Some(key),
                    None => {
                        let (_, kids) = view.kids()?;
                        kids.first().and_then(|first| RexView::of(self.vm, first).key())
                    }
                }
            });
            match key.map(|key| nat_text::to_text(&key)) {
                Some(name) if name == "_" => arms.has_fallback = true,
                Some(name) => arms.constructors.push(name),
                None => {}
            }
            next = heir;
        }
        arms
    }
}
