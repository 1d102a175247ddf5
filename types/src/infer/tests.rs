//! Inference: known principal types, and properties of generated terms.

use crate::{
    CaseArm, DataConstructor, Head, Scheme, Term, TermId, Terms, Type, TypeDeclaration, TypeName,
    TypeNames, infer,
};
use proptest::prelude::*;
use std::rc::Rc;

/// A lambda term: what terms are built from.
#[derive(Clone, Debug)]
enum Lambda {
    Var(u32),
    Nat,
    Inc,
    Fun(Box<Lambda>),
    App(Box<Lambda>, Box<Lambda>),
    Let(Box<Lambda>, Box<Lambda>),
    Row(Vec<Lambda>),
    Item(u64, Box<Lambda>),
}

fn known(scheme: Scheme) -> Term {
    Term::Known { name: None, scheme: Rc::new(scheme) }
}

fn nat() -> Type {
    Type::named(TypeName::NAT)
}

impl Lambda {
    fn build(&self, terms: &mut Terms) -> TermId {
        let term = match self {
            // A lambda binds itself and its argument, so that indices count both.
            Lambda::Var(index) => Term::Variable(*index),
            Lambda::Nat => known(Scheme::closed(nat())),
            Lambda::Inc => known(Scheme::closed(Type::function(nat(), nat()))),
            Lambda::Fun(body) => Term::Lambda { arity: 1, body: body.build(terms) },
            Lambda::App(function, arg) => Term::Apply(function.build(terms), arg.build(terms)),
            Lambda::Let(value, body) => Term::Let(value.build(terms), body.build(terms)),
            Lambda::Row(items) => Term::Row(items.iter().map(|it| it.build(terms)).collect()),
            Lambda::Item(index, row) => {
                let selector = terms.add(known(Scheme::selector(*index)));
                Term::Apply(selector, row.build(terms))
            }
        };
        terms.add(term)
    }

    fn type_text(&self) -> Result<String, String> {
        let (names, mut terms) = (TypeNames::default(), Terms::default());
        let root = self.build(&mut terms);
        match infer(&names, &terms, root, None) {
            Ok(scheme) => Ok(scheme.text(&names)),
            Err(error) => Err(error.message),
        }
    }
}

fn var(index: u32) -> Lambda {
    Lambda::Var(index)
}

fn fun(body: Lambda) -> Lambda {
    Lambda::Fun(Box::new(body))
}

fn app(function: Lambda, arg: Lambda) -> Lambda {
    Lambda::App(Box::new(function), Box::new(arg))
}

fn bind(value: Lambda, body: Lambda) -> Lambda {
    Lambda::Let(Box::new(value), Box::new(body))
}

fn item(index: u64, row: Lambda) -> Lambda {
    Lambda::Item(index, Box::new(row))
}

#[test]
fn principal_types() {
    let id = fun(var(0));
    // Variable 2 is the argument of the outer function: 1 is the inner function itself.
    let apply = fun(fun(app(var(2), var(0))));
    let constant = fun(fun(var(2)));
    let cases = [
        (id.clone(), "a > a"),
        (constant.clone(), "a > b > a"),
        (apply, "(a > b) > a > b"),
        (fun(app(var(1), var(0))), "a > b"),
        (bind(id.clone(), app(app(var(0), var(0)), Lambda::Nat)), "Nat"),
        (
            bind(id.clone(), Lambda::Row(vec![app(var(0), Lambda::Nat), app(var(0), Lambda::Inc)])),
            "[Nat (Nat > Nat)]",
        ),
        (fun(Lambda::Row(vec![var(0), var(0)])), "a > [a a]"),
        (fun(item(1, var(0))), "a > b, where item 1 of a is b"),
        (item(1, Lambda::Row(vec![Lambda::Nat, Lambda::Inc])), "Nat > Nat"),
        (fun(bind(var(0), app(Lambda::Inc, var(0)))), "Nat > Nat"),
        (
            bind(
                fun(Lambda::Row(vec![item(1, var(0)), item(0, var(0))])),
                app(var(0), Lambda::Row(vec![Lambda::Nat, Lambda::Inc])),
            ),
            "[(Nat > Nat) Nat]",
        ),
    ];
    for (lambda, want) in cases {
        assert_eq!(lambda.type_text().as_deref(), Ok(want), "{lambda:?}");
    }
}

#[test]
fn terms_without_a_type() {
    let omega = fun(app(var(0), var(0)));
    let monomorphic = fun(Lambda::Row(vec![app(var(0), Lambda::Nat), app(var(0), Lambda::Inc)]));
    let stream = fun(Lambda::Row(vec![var(0), app(var(1), var(0))]));
    let short = item(2, Lambda::Row(vec![Lambda::Nat, Lambda::Nat]));
    let call = app(Lambda::Nat, Lambda::Nat);
    for lambda in [omega, app(monomorphic, Lambda::Inc), stream, short, call] {
        assert!(lambda.type_text().is_err(), "{lambda:?}");
    }
}

#[test]
fn a_deep_term_is_inferred() {
    let (names, mut terms) = (TypeNames::default(), Terms::default());
    let mut root = terms.add(known(Scheme::closed(nat())));
    for _ in 0..100_000 {
        let inc = terms.add(known(Scheme::closed(Type::function(nat(), nat()))));
        root = terms.add(Term::Apply(inc, root));
    }
    let scheme = infer(&names, &terms, root, None).expect("it has a type");
    assert_eq!(scheme.text(&names), "Nat");
}

#[test]
fn a_type_of_exponential_size_is_an_error() {
    let pair = |_| Lambda::Row(vec![var(0), var(0)]);
    let lambda = (0..40).map(pair).fold(var(0), |body, value| bind(value, body));
    let error = bind(Lambda::Nat, lambda).type_text();
    assert_eq!(error, Err("the type of this definition is too large".into()));
}

#[test]
fn an_arm_of_a_case_sees_the_fields_of_its_constructor() {
    let mut names = TypeNames::default();
    let shape = names.declare("Shape", 0, TypeDeclaration::Abstract);
    let constructor = |name: &str, tag, fields| DataConstructor {
        name: name.to_owned(),
        tag,
        fields,
        has_tag: true,
    };
    names.set_constructors(
        shape,
        vec![
            constructor("POINT", 0, Vec::new()),
            constructor("CIRCLE", 1, vec![Type::function(nat(), nat())]),
        ],
    );
    let mut terms = Terms::default();
    let zero = terms.add(known(Scheme::closed(nat())));
    let field = terms.add(known(Scheme::selector(1)));
    let value = terms.add(Term::Variable(0));
    let radius = terms.add(Term::Apply(field, value));
    let applied = terms.add(Term::Apply(radius, zero));
    let arms = [CaseArm { constructor: 0, body: zero }, CaseArm { constructor: 1, body: applied }];
    let case = terms.add(Term::Case {
        variables: [0].into(),
        datatype: shape,
        arms: arms.into(),
        fallback: None,
    });
    let root = terms.add(Term::Lambda { arity: 1, body: case });
    let scheme = infer(&names, &terms, root, None).expect("it has a type");
    let want = Type::function(Type::Apply(Head::Named(shape), Box::default()), nat());
    assert_eq!(scheme.body, want);
}

/// The value of a term, as far as an evaluation needs it.
#[derive(Clone, Debug)]
enum Value {
    Nat,
    Inc,
    Closure(Rc<Lambda>, Vec<Value>),
    Row(Vec<Value>),
}

/// Evaluates a term. `Ok(None)` means that the evaluation takes too long, `Err` that it does what a
/// type excludes: a call of no function, an item that is not there, the successor of no nat.
fn evaluate(term: &Lambda, scope: &[Value], fuel: &mut u32) -> Result<Option<Value>, String> {
    let Some(rest) = fuel.checked_sub(1) else { return Ok(None) };
    *fuel = rest;
    macro_rules! value {
        ($term:expr, $scope:expr) => {
            match evaluate($term, $scope, fuel)? {
                Some(value) => value,
                None => return Ok(None),
            }
        };
    }
    Ok(Some(match term {
        Lambda::Var(index) => scope[scope.len() - 1 - *index as usize].clone(),
        Lambda::Nat => Value::Nat,
        Lambda::Inc => Value::Inc,
        Lambda::Fun(body) => Value::Closure(Rc::new((**body).clone()), scope.to_vec()),
        Lambda::Row(items) => {
            let mut values = Vec::new();
            for item in items {
                values.push(value!(item, scope));
            }
            Value::Row(values)
        }
        Lambda::Item(index, row) => match value!(row, scope) {
            Value::Row(items) => match items.get(*index as usize) {
                Some(item) => item.clone(),
                None => return Err(format!("no item {index}")),
            },
            other => return Err(format!("an item of {other:?}")),
        },
        Lambda::Let(value, body) => {
            let value = value!(value, scope);
            let scope: Vec<Value> = scope.iter().cloned().chain([value]).collect();
            value!(body, &scope)
        }
        Lambda::App(function, arg) => {
            let function = value!(function, scope);
            let arg = value!(arg, scope);
            match function {
                Value::Inc if matches!(arg, Value::Nat) => Value::Nat,
                Value::Closure(body, captured) => {
                    let this = Value::Closure(Rc::clone(&body), captured.clone());
                    let scope: Vec<Value> = captured.into_iter().chain([this, arg]).collect();
                    value!(&body, &scope)
                }
                other => return Err(format!("a call of {other:?} with {arg:?}")),
            }
        }
    }))
}

/// Generates terms whose variables are below `bound`.
fn lambda(bound: u32, depth: u32) -> BoxedStrategy<Lambda> {
    let leaf = prop_oneof![Just(Lambda::Nat), Just(Lambda::Inc)];
    let leaf = match bound {
        0 => leaf.boxed(),
        _ => prop_oneof![1 => leaf, 4 => (0..bound).prop_map(Lambda::Var)].boxed(),
    };
    if depth == 0 {
        return leaf;
    }
    let same = lambda(bound, depth - 1);
    prop_oneof![
        2 => leaf,
        3 => lambda(bound + 2, depth - 1).prop_map(fun),
        3 => (same.clone(), same.clone()).prop_map(|(function, arg)| app(function, arg)),
        2 => (same.clone(), lambda(bound + 1, depth - 1)).prop_map(|(value, body)| bind(value, body)),
        1 => proptest::collection::vec(same.clone(), 1..3).prop_map(Lambda::Row),
        1 => (0..3u64, same).prop_map(|(index, row)| item(index, row)),
    ]
    .boxed()
}

proptest! {
    /// A term with a type does not go wrong.
    #[test]
    fn terms_with_a_type_do_not_go_wrong(term in lambda(0, 5)) {
        if term.type_text().is_ok() {
            let mut fuel = 500;
            let result = evaluate(&term, &[], &mut fuel);
            prop_assert!(result.is_ok(), "{term:?}: {result:?}");
        }
    }

    /// A term is as good as the function that ignores an argument and returns it: inference does
    /// not depend on the variables around a term.
    #[test]
    fn types_do_not_depend_on_unused_variables(term in lambda(0, 4)) {
        let wrapped = app(fun(term.clone()), Lambda::Nat);
        if let Ok(ty) = term.type_text() {
            prop_assert_eq!(wrapped.type_text(), Ok(ty));
        }
    }

    /// The inferred type is one that the term can be declared with.
    #[test]
    fn a_term_has_its_inferred_type(term in lambda(0, 4)) {
        let (names, mut terms) = (TypeNames::default(), Terms::default());
        let root = term.build(&mut terms);
        if let Ok(scheme) = infer(&names, &terms, root, None)
            && scheme.requirements.is_empty()
        {
            let declared = Rc::new(scheme);
            let checked = infer(&names, &terms, root, Some(&declared));
            prop_assert!(checked.is_ok(), "{term:?}: {checked:?}");
        }
    }
}
