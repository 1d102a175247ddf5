//! Generalisation: which variables of a let-bound value are quantified, and which requirements on
//! rows go with them.

use super::{Inference, TOO_LARGE};
use crate::error::TypeError;
use crate::name::TypeName;
use crate::requirement::{PendingRequirement, solve};
use crate::scheme::{Head, RowRequirement, Scheme, Type};
use crate::table::{GENERIC, TypeId, TypeTable};
use crate::writer::variable_name;
use foldhash::HashSet;

impl Inference<'_, '_> {
    /// Quantifies the variables of these types that belong to a deeper level than the current one.
    /// Returns the requirements on them.
    pub(super) fn generalise(
        &mut self,
        types: &[TypeId],
    ) -> Result<Vec<PendingRequirement>, Box<TypeError>> {
        loop {
            if let Err(unsatisfied) = solve(&mut self.table, &mut self.pending) {
                return Err(self.unsatisfied(&unsatisfied));
            }
            self.lower_items();
            let generic = self.generic_variables(types);
            let (mut own, mut others, mut undecided) = (Vec::new(), Vec::new(), Vec::new());
            for pending in std::mem::take(&mut self.pending) {
                let row = self.table.find(*pending.requirement.row());
                let level = self.table.level(row).unwrap_or(0);
                if level <= self.level {
                    others.push(pending);
                } else if generic.contains(&row) {
                    own.push(pending);
                } else {
                    undecided.push(pending);
                }
            }
            if !undecided.is_empty() {
                self.choose_rows(&undecided);
                self.pending = others.into_iter().chain(own).chain(undecided).collect();
                continue;
            }
            self.pending = others;
            generic.iter().for_each(|variable| self.table.make_generic(*variable));
            return Ok(own);
        }
    }

    /// The items of a row belong to the level of the row.
    fn lower_items(&mut self) {
        let mut has_changed = true;
        while has_changed {
            has_changed = false;
            for pending in &self.pending {
                let Some(level) = self.table.level(*pending.requirement.row()) else { continue };
                if level <= self.level {
                    for item in pending.requirement.items() {
                        has_changed |= self.table.lower(*item, level);
                    }
                }
            }
        }
    }

    /// Returns the variables of a deeper level that occur in the types, or in the requirements on
    /// such variables.
    fn generic_variables(&mut self, types: &[TypeId]) -> HashSet<TypeId> {
        let mut generic = HashSet::default();
        let mut roots = types.to_vec();
        loop {
            let before = generic.len();
            for variable in self.table.variables(&roots) {
                let level = self.table.level(variable).unwrap_or(0);
                if level > self.level && level != GENERIC {
                    generic.insert(variable);
                }
            }
            if generic.len() == before {
                return generic;
            }
            roots.clear();
            for pending in &self.pending {
                let row = self.table.find(*pending.requirement.row());
                if generic.contains(&row) {
                    roots.extend(pending.requirement.items());
                }
            }
        }
    }

    /// Decides the rows that nothing outside can decide: a row literal is a tuple, and a row is a
    /// `Row` if only items of it are known.
    fn choose_rows(&mut self, undecided: &[PendingRequirement]) {
        let is_literal = |pending: &&PendingRequirement| {
            matches!(pending.requirement, RowRequirement::Literal { .. })
        };
        let literals = undecided.iter().filter(is_literal);
        let items = undecided.iter().filter(|pending| !is_literal(pending));
        for pending in literals.chain(items) {
            let (row, chosen) = match &pending.requirement {
                RowRequirement::Literal { row, items } => {
                    (*row, self.table.apply(Head::Tuple, items.clone()))
                }
                RowRequirement::Item { row, item, .. } => {
                    (*row, self.table.apply(Head::Named(TypeName::ROW), [*item]))
                }
            };
            // If the row is decided already, or would contain itself, solving the requirement fails
            // or not.
            let _ = self.table.unify(row, chosen);
        }
    }

    /// Returns a generalised type as a scheme.
    pub(super) fn scheme(
        &mut self,
        ty: TypeId,
        requirements: &[PendingRequirement],
    ) -> Result<Scheme, Box<TypeError>> {
        let mut roots = vec![ty];
        for pending in requirements {
            roots.push(*pending.requirement.row());
            roots.extend(pending.requirement.items());
        }
        let variables = self.table.variables(&roots);
        // A row literal prints as its items, so its variable needs no name.
        let is_literal = |table: &mut TypeTable<'_>, variable: TypeId| {
            requirements.iter().any(|pending| match &pending.requirement {
                RowRequirement::Literal { row, .. } => table.find(*row) == variable,
                RowRequirement::Item { .. } => false,
            })
        };
        let mut used = 0;
        let names = variables.iter().map(|variable| {
            if is_literal(&mut self.table, *variable) {
                return "row".to_owned();
            }
            used += 1;
            variable_name(used - 1)
        });
        let names: Vec<String> = names.collect();
        let mut tree_of = |ty: &TypeId| self.table.tree(*ty, &variables);
        let body = tree_of(&ty);
        let mut is_complete = true;
        let requirements = requirements.iter().map(|pending| {
            pending.requirement.map(|ty| {
                tree_of(ty).unwrap_or_else(|| {
                    is_complete = false;
                    Type::named(TypeName::ANY)
                })
            })
        });
        let requirements: Vec<_> = requirements.collect();
        match body {
            Some(body) if is_complete => Ok(Scheme { variables: names, requirements, body }),
            _ => Err(self.plain_error(self.root, TOO_LARGE)),
        }
    }
}
