//! Global bindings: values with names, and the code they were made from.
//!
//! A binding is a pin around the row `[key value code location name props]`. It is decoded once
//! however many scopes and expressions it appears in, its code only when somebody wants to inline
//! it; and the noun it came from is kept, so that it goes back for free.

use crate::ast::Expr;
use crate::inline::Pot;
use crate::noun;
use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::{Rc, Weak};
use vm::{Natural, Ref, Shape, Stop, Val, Vm};

/// A binding.
pub(crate) struct Bind {
    /// What macros see.
    pub(crate) noun: Val,
    /// What is bound, in normal form.
    pub(crate) value: Val,
    code: OnceCell<Expr>,
    pot: OnceCell<Option<Rc<Pot>>>,
}

/// Something that a macro passed off as a part of Sire's state is not that.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("malformed {0}")]
pub(crate) struct Malformed(pub(crate) &'static str);

/// What a new binding is made of.
pub(crate) struct Definition<'a> {
    pub(crate) key: &'a Natural,
    pub(crate) value: Val,
    pub(crate) code: Expr,
    pub(crate) name: &'a Natural,
    pub(crate) props: Val,
}

/// A binding's row.
const FIELDS: usize = 6;
const KEY: usize = 0;
const VALUE: usize = 1;
const CODE: usize = 2;

impl Bind {
    /// A new binding in the module `location`; `value` and `props` must be in normal form.
    pub(crate) fn new(
        vm: &mut Vm,
        location: &Natural,
        definition: Definition<'_>,
    ) -> Result<Bind, Stop> {
        let Definition { key, value, code, name, props } = definition;
        let noun = vm.build(|b| {
            b.push_natural(key)?;
            b.push(&value);
            noun::push(b, &code)?;
            b.push_natural(location)?;
            b.push_natural(name)?;
            b.push(&props);
            b.row(FIELDS)
        })?;
        let noun = vm.pin(&noun)?;
        Ok(Bind { noun, value, code: code.into(), pot: OnceCell::new() })
    }

    /// The code, which is closed.
    pub(crate) fn code(&self, vm: &Vm, binds: &Binds) -> Result<&Expr, Malformed> {
        if let Some(code) = self.code.get() {
            return Ok(code);
        }
        let row = fields(vm.look(&self.noun)).ok_or(BAD_BINDING)?;
        let code = noun::decode(vm, binds, row[CODE])?;
        Ok(self.code.get_or_init(|| code))
    }

    /// What inlining knows about the value, if that has been found out.
    pub(crate) fn pot(&self) -> Option<&Option<Rc<Pot>>> {
        self.pot.get()
    }

    /// Remembers what inlining has to know about the value.
    pub(crate) fn set_pot(&self, pot: Option<Rc<Pot>>) {
        self.pot.get_or_init(|| pot);
    }

    /// The expressions it holds on to.
    pub(crate) fn into_exprs(self) -> impl Iterator<Item = Expr> {
        let pot = self.pot.into_inner().flatten().and_then(Rc::into_inner);
        self.code.into_inner().into_iter().chain(pot.into_iter().flat_map(Pot::into_exprs))
    }
}

const BAD_BINDING: Malformed = Malformed("binding: it is not a pinned row of six");

/// The fields of a binding's noun.
fn fields(noun: Ref<'_>) -> Option<[Ref<'_>; FIELDS]> {
    let Shape::Pin(pin) = noun.shape() else { return None };
    let row = pin.item().as_row()?;
    row.iter().collect::<Vec<_>>().try_into().ok()
}

/// The bindings that have been decoded, so that each is decoded once.
///
/// They are found by their keys, which are mostly unique; what decides is whether the noun is the
/// same object.
#[derive(Default)]
pub(crate) struct Binds {
    by_key: RefCell<HashMap<u64, Vec<Weak<Bind>>>>,
}

impl Binds {
    /// The binding that this noun is.
    pub(crate) fn find(&self, vm: &Vm, noun: Ref<'_>) -> Result<Rc<Bind>, Malformed> {
        let row = fields(noun).ok_or(BAD_BINDING)?;
        let key = row[KEY].as_nat().ok_or(Malformed("binding: its key is not a nat"))?;
        let mut by_key = self.by_key.borrow_mut();
        let known = by_key.entry(key.saturating_u64()).or_default();
        let is_it = |bind: &Rc<Bind>| vm.look(&bind.noun).is_same(noun);
        if let Some(bind) = known.iter().filter_map(Weak::upgrade).find(is_it) {
            return Ok(bind);
        }
        let bind = Rc::new(Bind {
            noun: vm.hold(noun),
            value: vm.hold(row[VALUE]),
            code: OnceCell::new(),
            pot: OnceCell::new(),
        });
        known.retain(|bind| bind.strong_count() > 0);
        known.push(Rc::downgrade(&bind));
        Ok(bind)
    }

    /// Remembers a new binding.
    pub(crate) fn add(&self, key: &Natural, bind: Bind) -> Rc<Bind> {
        let bind = Rc::new(bind);
        let key = u64::try_from(key).unwrap_or(u64::MAX);
        self.by_key.borrow_mut().entry(key).or_default().push(Rc::downgrade(&bind));
        bind
    }
}
