//! From rex nouns to expressions.
//!
//! Macros may stand anywhere, see the state and change it, so the order matters: an expression is
//! read in the order in which its parts are evaluated by the prototype (lib/Sire.hs), which is
//! mostly the order in which they are written; of `^` the last part comes first.

use crate::ast::{self, BINDERS_MAX, Expr, Lam};
use crate::error::Fault;
use crate::name;
use crate::output;
use crate::rune::{Expression, Primitive};
use crate::session::Session;
use crate::syntax::{Form, Literal};
use rex::{LeafKind, NodeShape};
use std::rc::Rc;
use vm::{Natural, Val};

/// What is left to do.
enum Step {
    /// Read this.
    Read(Val),
    /// Bring a variable into scope; without a name it cannot be referred to.
    Bind(Option<Natural>),
    /// Take the innermost variables out of scope.
    Unbind(usize),
    /// Apply the last expression but so many to those.
    Apply(usize),
    Let,
    LetRec(usize),
    Inline,
    Lambda(Signature),
}

/// A lambda without its body.
pub(crate) struct Signature {
    pub(crate) pinned: bool,
    pub(crate) inline: bool,
    pub(crate) tag: Natural,
    /// The lambda's name in its own body, if it has one there.
    pub(crate) this: Option<Natural>,
    pub(crate) args: Vec<Natural>,
}

impl Signature {
    pub(crate) fn with_body(self, body: Expr) -> Expr {
        let Signature { pinned, inline, tag, this, args } = self;
        let arity = args.len() as u32;
        let recursive = this.is_some() && ast::refers_to(&body, arity);
        ast::lambda(Lam { pinned, inline, recursive, tag, arity, body })
    }
}

struct Reader<'s> {
    session: &'s mut Session,
    steps: Vec<Step>,
    done: Vec<Expr>,
    /// The variables in scope, outermost first.
    env: Vec<Option<Natural>>,
}

/// Reads a closed expression.
pub(crate) fn read(session: &mut Session, rex: &Val) -> Result<Expr, Fault> {
    let (steps, done, env) = (vec![Step::Read(rex.clone())], Vec::new(), Vec::new());
    Reader { session, steps, done, env }.run()
}

/// Reads a lambda's body, and makes the lambda.
pub(crate) fn read_lambda(
    session: &mut Session,
    signature: Signature,
    body: &Val,
) -> Result<Expr, Fault> {
    let mut reader = Reader { session, steps: Vec::new(), done: Vec::new(), env: Vec::new() };
    reader.then_lambda(signature, body.clone());
    reader.run()
}

/// What is wrong with a noun in the place of a rex tree.
pub(crate) const MALFORMED_REX: &str = "malformed rex";

/// The refusal of a part of the source.
pub(crate) fn reject<T>(problem: &Val, reason: impl Into<String>) -> Result<T, Fault> {
    Err(Fault::Reject { problem: problem.clone(), reason: reason.into() })
}

/// Reads a key.
pub(crate) fn read_key(session: &Session, rex: &Val) -> Result<Natural, Fault> {
    match Form::of(&session.vm, rex).key() {
        Some(key) => Ok(key),
        None => reject(rex, "Bad key: expected something like: 234, foo, 'foo'"),
    }
}

impl Reader<'_> {
    fn run(mut self) -> Result<Expr, Fault> {
        while let Some(step) = self.steps.pop() {
            match step {
                Step::Read(rex) => self.read(rex)?,
                Step::Bind(name) => {
                    if self.env.len() >= BINDERS_MAX as usize {
                        return Err(Fault::TooManyBinders);
                    }
                    self.env.push(name);
                }
                Step::Unbind(count) => self.env.truncate(self.env.len() - count),
                step => self.build(step),
            }
        }
        Ok(self.pop())
    }

    fn pop(&mut self) -> Expr {
        self.done.pop().expect("the steps before leave what this one takes")
    }

    fn build(&mut self, step: Step) {
        let built = match step {
            Step::Apply(count) => {
                let args = self.done.split_off(self.done.len() - count);
                args.into_iter().fold(self.pop(), ast::app)
            }
            Step::Let => {
                let body = self.pop();
                ast::let_in(self.pop(), body)
            }
            Step::LetRec(count) => {
                let body = self.pop();
                let values = self.done.split_off(self.done.len() - count);
                ast::let_rec(values, body)
            }
            Step::Inline => ast::inline(self.pop()),
            Step::Lambda(signature) => {
                let body = self.pop();
                signature.with_body(body)
            }
            Step::Read(_) | Step::Bind(_) | Step::Unbind(_) => unreachable!("these build nothing"),
        };
        self.done.push(built);
    }

    /// Plans steps, to be done in this order.
    fn then(&mut self, steps: impl IntoIterator<Item = Step>) {
        let at = self.steps.len();
        self.steps.extend(steps);
        self.steps[at..].reverse();
    }

    fn then_lambda(&mut self, signature: Signature, body: Val) {
        let variables = std::iter::once(signature.this.clone())
            .chain(signature.args.iter().cloned().map(Some))
            .map(Step::Bind);
        let mut steps: Vec<Step> = variables.collect();
        let count = steps.len();
        steps.extend([Step::Read(body), Step::Unbind(count), Step::Lambda(signature)]);
        self.then(steps);
    }

    fn read(&mut self, rex: Val) -> Result<(), Fault> {
        match Form::of(&self.session.vm, &rex) {
            Form::Evil => reject(&rex, MALFORMED_REX),
            Form::Embed(value) => {
                self.done.push(ast::constant(value));
                Ok(())
            }
            Form::Leaf { leaf: LeafKind::Line, text, heir } => self.read_lines(text, heir),
            leaf @ Form::Leaf { .. } => self.read_leaf(rex, &leaf),
            Form::Node { rune, sons, heir, .. } => {
                if let Some(macro_value) = self.session.lookup(&rune) {
                    return self.read_expanded(&macro_value, &rex);
                }
                let Some(Primitive::Expression(form)) = Primitive::of(&rune) else {
                    return reject(&rex, format!("Undefined rune: {}", name::text(&rune)));
                };
                let mut kids = sons;
                kids.extend(heir);
                self.read_form(rex, form, kids)
            }
        }
    }

    fn read_expanded(&mut self, macro_value: &Val, input: &Val) -> Result<(), Fault> {
        let rex = self.session.expand(macro_value, input)?;
        self.steps.push(Step::Read(rex));
        Ok(())
    }

    /// A text of several lines.
    fn read_lines(&mut self, mut text: String, mut heir: Option<Val>) -> Result<(), Fault> {
        while let Some(rex) = heir {
            match Form::of(&self.session.vm, &rex) {
                Form::Leaf { leaf: LeafKind::Line, text: line, heir: next } => {
                    text.push('\n');
                    text.push_str(&line);
                    heir = next;
                }
                _ => return reject(&rex, "Mis-matched node in text block"),
            }
        }
        let value = self.session.vm.text(&text)?;
        self.done.push(ast::constant(value));
        Ok(())
    }

    /// A word or text. What Sire does not understand, with something right behind it or not, is
    /// given to the macro `#`.
    fn read_leaf(&mut self, rex: Val, form: &Form) -> Result<(), Fault> {
        let Form::Leaf { leaf, text, heir } = form else { unreachable!("the caller looked") };
        let vm = &mut self.session.vm;
        let value = match form.literal() {
            Some(Literal::Name(name)) => {
                let expr = self.resolve(&rex, &name::of_text(name))?;
                self.done.push(expr);
                return Ok(());
            }
            Some(Literal::Number(number)) => vm.natural(&number)?,
            Some(Literal::Text(text)) => vm.text(text)?,
            None => {
                let reason = match heir {
                    Some(_) => "leaf-juxtaposition, but no # macro",
                    None => "don't know how to parse this leaf",
                };
                let hash = Natural::from(name::small("#"));
                let Some(macro_value) = self.session.lookup(&hash) else {
                    return reject(&rex, reason);
                };
                let Session { vm, syntax, .. } = &mut *self.session;
                let input = match heir {
                    Some(heir) => {
                        let bare = syntax.leaf(vm, *leaf, text, None)?;
                        syntax.node(vm, NodeShape::Infix, "#", &[bare, heir.clone()], None)?
                    }
                    None => syntax.node(vm, NodeShape::Prefix, "#", &[rex], None)?,
                };
                return self.read_expanded(&macro_value, &input);
            }
        };
        self.done.push(ast::constant(value));
        Ok(())
    }

    /// The innermost variable of that name, or the global.
    fn resolve(&self, rex: &Val, name: &Natural) -> Result<Expr, Fault> {
        let is_it = |variable: &Option<Natural>| variable.as_ref() == Some(name);
        if let Some(index) = self.env.iter().rev().position(is_it) {
            return Ok(ast::var(index as u32));
        }
        match self.session.state.lookup(name) {
            Some(bind) => Ok(ast::global(Rc::clone(bind))),
            None => {
                let key = output::key(name);
                reject(rex, format!("Unresolved symbol: {key}"))
            }
        }
    }

    fn resolve_in(&self, rex: &Val, module: &Natural, name: &Natural) -> Result<Expr, Fault> {
        let Session { vm, binds, state, .. } = &*self.session;
        match state.lookup_in(vm, binds, module, name)? {
            Some(bind) => Ok(ast::global(bind)),
            None => {
                let (module, name) = (output::key(module), output::key(name));
                reject(rex, format!("Unresolved symbol: {module}.{name}"))
            }
        }
    }

    fn key(&self, rex: &Val) -> Result<Natural, Fault> {
        read_key(self.session, rex)
    }

    fn keys(&self, rexes: &[Val]) -> Result<Vec<Natural>, Fault> {
        rexes.iter().map(|rex| self.key(rex)).collect()
    }

    fn read_form(&mut self, rex: Val, form: Expression, kids: Vec<Val>) -> Result<(), Fault> {
        match form {
            Expression::Apply => {
                if kids.is_empty() {
                    return reject(&rex, "empty application");
                }
                let count = kids.len() - 1;
                let reads = kids.into_iter().map(Step::Read);
                self.then(reads.chain([Step::Apply(count)]));
            }
            Expression::Inline => {
                let [inner] = sized(&rex, kids, "This needs to have only one parameter")?;
                self.then([Step::Read(inner), Step::Inline]);
            }
            Expression::Let => {
                let [name, value, body] = sized(&rex, kids, "Three paramaters are required")?;
                let name = self.key(&name)?;
                let bind = Step::Bind(Some(name));
                let (value, body) = (Step::Read(value), Step::Read(body));
                self.then([value, bind, body, Step::Unbind(1), Step::Let]);
            }
            Expression::LetRec => return self.read_letrec(rex, kids),
            Expression::Ket => return self.read_ket(rex, kids),
            Expression::Anonymous => return self.read_anonymous(rex, kids),
            Expression::Lambda => return self.read_lambda(rex, kids, false),
            Expression::PinnedLambda => return self.read_lambda(rex, kids, true),
            Expression::Reference => {
                let expr = match &kids[..] {
                    [name] => self.resolve(&rex, &self.key(name)?)?,
                    [module, name] => {
                        let module = self.key(module)?;
                        self.resolve_in(&rex, &module, &self.key(name)?)?
                    }
                    _ => return reject(&rex, "Needs one or two parameters"),
                };
                self.done.push(expr);
            }
        }
        Ok(())
    }

    /// `@@` and a chain of `=`, each of them a name and a value.
    fn read_letrec(&mut self, rex: Val, kids: Vec<Val>) -> Result<(), Fault> {
        let [bindings, body] = sized(&rex, kids, "Two paramaters are required")?;
        let (mut names, mut values) = (Vec::new(), Vec::new());
        let mut next = Some(bindings);
        while let Some(binding) = next {
            let Form::Node { rune, sons, heir, .. } = Form::of(&self.session.vm, &binding) else {
                return reject(&rex, "Invalid (=) bind-seq");
            };
            if rune != name::small("=") {
                return reject(&rex, "Invalid (=) bind-seq");
            }
            let [name, value] = sized(&rex, sons, "Invalid (=) bind-seq")?;
            names.push(self.key(&name)?);
            values.push(value);
            next = heir;
        }
        let count = names.len();
        let variables = names.into_iter().rev().map(|name| Step::Bind(Some(name)));
        let reads = values.into_iter().chain([body]).map(Step::Read);
        let steps: Vec<Step> = variables.chain(reads).collect();
        self.then(steps.into_iter().chain([Step::Unbind(count), Step::LetRec(count)]));
        Ok(())
    }

    fn read_ket(&mut self, rex: Val, mut kids: Vec<Val>) -> Result<(), Fault> {
        if kids.len() < 2 {
            return reject(&rex, "Needs at least two paramaters");
        }
        let value = kids.split_off(kids.len() - 1);
        let count = kids.len() - 1;
        let variable = Step::Bind(Some(Natural::from(name::small("_"))));
        let body = kids.into_iter().map(Step::Read).chain([Step::Apply(count)]);
        let steps: Vec<Step> = value.into_iter().map(Step::Read).chain([variable]).collect();
        self.then(steps.into_iter().chain(body).chain([Step::Unbind(1), Step::Let]));
        Ok(())
    }

    fn read_anonymous(&mut self, rex: Val, mut kids: Vec<Val>) -> Result<(), Fault> {
        let tag = self.optional_tag(&rex, &mut kids)?.unwrap_or_default();
        let [args, body] = sized(&rex, kids, "Expected two or three parameters")?;
        let bar = Natural::from(name::small("|"));
        let args = match Form::of(&self.session.vm, &args) {
            Form::Leaf { .. } => vec![self.key(&args)?],
            form => match form.kids() {
                Some((rune, kids)) if rune == bar => self.keys(&kids)?,
                _ => return reject(&args, "Expected something like: (x y z)"),
            },
        };
        let signature = Signature { pinned: false, inline: false, tag, this: None, args };
        self.then_lambda(signature, body);
        Ok(())
    }

    fn read_lambda(&mut self, rex: Val, mut kids: Vec<Val>, pinned: bool) -> Result<(), Fault> {
        let tag = self.optional_tag(&rex, &mut kids)?;
        let [head, body] = sized(&rex, kids, "Expected two or three parameters")?;
        let (inline, this, args) = self.read_head(&head)?;
        let tag = tag.unwrap_or_else(|| this.clone());
        self.then_lambda(Signature { pinned, inline, tag, this: Some(this), args }, body);
        Ok(())
    }

    /// Takes the tag off a lambda's three parts; two have none.
    fn optional_tag(&self, rex: &Val, kids: &mut Vec<Val>) -> Result<Option<Natural>, Fault> {
        match kids.len() {
            2 => Ok(None),
            3 => self.key(&kids.remove(0)).map(Some),
            _ => reject(rex, "Expected two or three parameters"),
        }
    }

    /// The head of a lambda, `f` or `(f x y)` or `(**f x y)`: whether it is to be inlined, its
    /// name and its arguments.
    fn read_head(&self, head: &Val) -> Result<(bool, Natural, Vec<Natural>), Fault> {
        let vm = &self.session.vm;
        let form = Form::of(vm, head);
        if let Form::Leaf { .. } = form {
            return Ok((false, self.key(head)?, Vec::new()));
        }
        let kids = match form.kids() {
            Some((rune, kids)) if rune == name::small("|") => kids,
            _ => return reject(head, "Expecting something like: (f x y)"),
        };
        let Some((first, args)) = kids.split_first() else {
            return reject(head, "Expected at least one parameter");
        };
        let (inline, this) = match Form::of(vm, first).kids() {
            Some((rune, marked)) if rune == name::small("**") => match &marked[..] {
                [this] => (true, self.key(this)?),
                _ => return reject(first, "Expected something like **x"),
            },
            _ => (false, self.key(first)?),
        };
        Ok((inline, this, self.keys(args)?))
    }
}

/// As many parts as there must be.
fn sized<const N: usize>(rex: &Val, kids: Vec<Val>, reason: &str) -> Result<[Val; N], Fault> {
    kids.try_into().or_else(|_| reject(rex, reason))
}
