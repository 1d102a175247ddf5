//! What is declared of a jet, once; whoever needs to know of jets (the evaluator, a compiler, lists,
//! tests) reads it from here.
//!
//! A declaration is a constant, made by [`JetDeclaration::native`] or [`JetDeclaration::control`] and refined by the methods
//! that follow each other on its line. What is not said is what can be relied on least: any result,
//! and perhaps a crash.

/// How far an argument is evaluated before the jet sees it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Demand {
    /// Not at all.
    Lazy,
    /// To its outermost shape.
    Head,
    /// To normal form.
    Normal,
}

/// What a jet answers.
#[derive(Debug)]
pub enum Answer {
    /// The result is on top of the stack.
    Done,
    /// A function and this many arguments are on top of the stack; the result is that of the call.
    Call(usize),
    /// The value on top of the stack, evaluated to its outermost shape, is the result.
    Eval,
    /// The value on top of the stack has to be evaluated to its outermost shape first: do that, and
    /// call the jet again with the same arguments. It must be a thunk, within reach of the
    /// arguments, so that the jet finds it evaluated next time.
    Again,
    /// Not handled: run the law.
    Law,
}

/// The code of a jet.
#[derive(Clone, Copy)]
pub enum JetCode<F> {
    /// A native function of the evaluated arguments.
    Native(F),
    /// A form of control that the evaluator itself knows.
    Control(Control),
}

/// Forms of control that the evaluator itself knows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Control {
    /// `if c t e`: `e` if `c` is 0 or not a nat, else `t`.
    If,
    /// `ifz c t e`: `t` if `c` is the nat 0, else `e`.
    IfZero,
    /// `ifNot c t e`: `t` if `c` is 0 or not a nat, else `e`.
    IfNot,
    /// `seq a b`: `b`, after `a` has been evaluated to its outermost shape.
    Seq,
    /// `deepseq a b`: `b`, after `a` has been normalised.
    DeepSeq,
    /// `force a`: `a` in normal form.
    Force,
    /// `trk a b`: `b`, after `a` has been normalised and handed to the trace hook.
    Trace,
    /// `deepTrace a b`: likewise, with the hook for deep traces if there is one.
    DeepTrace,
    /// `try x`: what its law's documentation says of the crash, if `x` ends in one.
    Try,
    /// The same for applications in applications, spelled as data.
    TryExpression,
}

impl Control {
    /// Whether the form is called like a law, and not carried out where it stands.
    pub(crate) fn is_called(self) -> bool {
        use Control::{DeepTrace, Trace, Try, TryExpression};
        matches!(self, Trace | DeepTrace | Try | TryExpression)
    }
}

/// Connectives that the evaluator knows: truth values of which the second is evaluated only if the
/// first does not settle the result. (0, and what is not a nat, is false.)
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Connective {
    /// 1 if both are true, else 0.
    And,
    /// 1 if either is true, else 0.
    Or,
}

/// The declaration of a jet. `F` is the type of native functions, which knows of the evaluator.
#[derive(Clone, Copy)]
pub struct JetDeclaration<F> {
    /// The name of the law it stands for.
    pub name: &'static str,
    /// What it needs of each argument before its code runs.
    pub demands: &'static [Demand],
    /// The arguments that are demanded, by their index, in the order in which the law evaluates
    /// them; from the first to the last if this is empty. It decides which crash is met if there
    /// is more than one.
    pub order: &'static [usize],
    /// What its result is, if there is one.
    pub result: ResultShape,
    /// Whether it may crash by itself.
    pub crashes: Crashes,
    /// When it is cheap, if it ever is.
    pub cheap: Option<Cheap>,
    /// What it does, if a compiler may have instructions for that.
    pub operation: Option<Operation>,
    /// What it does.
    pub code: JetCode<F>,
}

/// The shape of a jet's result, whatever the arguments are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ResultShape {
    /// Anything.
    Any,
    /// 0 or 1.
    Bit,
    /// A nat below 2^63, which is a word by itself.
    Small,
    /// A nat.
    Nat,
    /// A bar.
    Bar,
    /// A row, the empty one included.
    Row,
    /// A set.
    Set,
    /// A table.
    Tab,
}

/// Whether a call may crash once its arguments are evaluated: those that are demanded as they are
/// demanded, the lazy ones to their outermost shape.
///
/// A call that does not crash evaluates nothing beyond its arguments, and gives a value that is
/// evaluated. It may still run out of memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Crashes {
    /// It never does.
    Never,
    /// It does not if the arguments are nats.
    NotOnNats,
    /// It may.
    Maybe,
}

/// When a jet is *cheap*: it takes a short, bounded time, allocates no more than a few words, and
/// neither crashes nor re-enters the evaluator. Where one is to be applied lazily to arguments that
/// happen to be evaluated, it is called at once, which saves the thunk and all that this would keep
/// alive. What it answers other than a result is as if it had not been called.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cheap {
    /// Unless an argument is a nat of 2^63 or more.
    Always,
    /// If all arguments are nats below 2^63.
    OnNats,
}

/// What a primitive jet does. Whatever is not a nat counts as 0 where a nat is needed, except by
/// those that compare any values or ask what they are.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Operation {
    /// The nat itself.
    ToNat,
    /// One less; 0 of 0.
    Decrement,
    /// `a + b`.
    Add,
    /// `a - b`; 0 if `b` is more.
    Subtract,
    /// `a * b`.
    Multiply,
    /// The quotient; 0 if `b` is 0.
    Divide,
    /// The remainder; `a` if `b` is 0.
    Remainder,
    /// `2^a`.
    PowerOfTwo,
    /// `a * 2^b`.
    ShiftLeft,
    /// `a / 2^b`.
    ShiftRight,
    /// The bits of both.
    BitOr,
    /// The bits that both have.
    BitAnd,
    /// The bits that one of both has.
    BitXor,
    /// How many bits are set.
    PopCount,
    /// How many bits it takes to write the nat; 0 of 0.
    BitWidth,
    /// Whether bit `a` of `b` is set.
    TestBit,
    /// The lowest `a` bits of `b`.
    Truncate,
    /// Whether the value is the nat 0.
    IsZero,
    /// Whether the value is 0 or no nat.
    Not,
    /// Whether the value is a nat other than 0.
    Truth,
    /// Whether both are true; the second is evaluated only if the first is.
    And,
    /// Whether one of both is true; the second is evaluated only if the first is not.
    Or,
    /// The opposite of `And`, likewise.
    NotAnd,
    /// The opposite of `Or`, likewise.
    NotOr,
    /// Whether one of both is true and the other is not.
    Xor,
    /// Whether both are true, or neither is.
    NotXor,
    /// 0, 1 or 2: the first is less, equal or greater in PLAN's order.
    Compare,
    /// Whether the values are equal.
    Equal,
    /// Whether they differ.
    NotEqual,
    /// Whether the first is less in PLAN's order.
    Less,
    /// Whether the first is less or equal.
    LessOrEqual,
    /// Whether the first is greater.
    Greater,
    /// Whether the first is greater or equal.
    GreaterOrEqual,
    /// The lesser value; the first of equal ones.
    Least,
    /// The greater value; the first of equal ones.
    Greatest,
    /// Whether the value is a pin.
    IsPin,
    /// Whether it is a law.
    IsLaw,
    /// Whether it is an app.
    IsApp,
    /// Whether it is a nat.
    IsNat,
    /// How many arguments an app has been given: a row's length. 0 for what is no app.
    Length,
    /// Item `a` of row `b`, evaluated; 0 beyond the last.
    HashIndex,
    /// Item `b` of row `a`, likewise.
    Get,
    /// Byte `a` of bar `b`; 0 beyond the last.
    Byte,
    /// How many bytes a bar has.
    ByteCount,
    /// On words of 32 bits.
    Word32(WordOperation),
    /// On words of 64 bits.
    Word64(WordOperation),
}

/// What a jet does with words: nats of which only the low bits count.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum WordOperation {
    /// The low bits.
    Low,
    /// `a + b`.
    Add,
    /// `a * b`.
    Multiply,
    /// The quotient; 0 if `b` is 0.
    Divide,
    /// The bits that both have.
    And,
    /// The bits of both.
    Or,
    /// The bits that one of both has.
    Xor,
    /// `a` shifted left by `b`; 0 if that is as many bits as there are, or more.
    ShiftLeft,
    /// `a` shifted right by `b`, likewise.
    ShiftRight,
    /// `a - b`, if no more than the low bits are set in either.
    Subtract,
    /// `a` rotated left by `b`, if that is no more than there are bits.
    RotateLeft,
    /// `a` rotated right by `b`, likewise.
    RotateRight,
    /// The quotient of numbers in two's complement, rounded towards 0; 0 if `b` is 0.
    SignedDivide,
}

impl<F: Copy> JetDeclaration<F> {
    /// A jet with code of its own.
    pub const fn native(name: &'static str, demands: &'static [Demand], code: F) -> Self {
        Self::new(name, demands, JetCode::Native(code))
    }

    /// A jet that the evaluator knows as a form of control.
    pub const fn control(name: &'static str, demands: &'static [Demand], form: Control) -> Self {
        Self::new(name, demands, JetCode::Control(form))
    }

    const fn new(name: &'static str, demands: &'static [Demand], code: JetCode<F>) -> Self {
        let (result, crashes) = (ResultShape::Any, Crashes::Maybe);
        Self { name, demands, order: &[], result, crashes, cheap: None, operation: None, code }
    }

    /// Its arguments are evaluated in this order: all that are demanded, by their index.
    pub const fn order(self, order: &'static [usize]) -> Self {
        Self { order, ..self }
    }

    /// Its result has this shape.
    pub const fn returns(self, result: ResultShape) -> Self {
        Self { result, ..self }
    }

    /// It gives this, and never crashes.
    pub const fn total(self, result: ResultShape) -> Self {
        Self { result, crashes: Crashes::Never, ..self }
    }

    /// It does this; and as primitive operations do, it gives that and never crashes.
    pub const fn primitive(self, operation: Operation, result: ResultShape) -> Self {
        Self { operation: Some(operation), ..self.total(result) }
    }

    /// It does this, and does not crash if its arguments are nats.
    pub const fn on_nats(self, operation: Operation, result: ResultShape) -> Self {
        Self { operation: Some(operation), result, crashes: Crashes::NotOnNats, ..self }
    }

    /// It does this with what it is meant for; else it gives or does anything.
    pub const fn operation(self, operation: Operation) -> Self {
        Self { operation: Some(operation), ..self }
    }

    /// It is cheap, always or on nats.
    pub const fn cheap(self, cheap: Cheap) -> Self {
        Self { cheap: Some(cheap), ..self }
    }

    /// How many arguments it takes, which is the law's arity.
    pub const fn arity(&self) -> usize {
        self.demands.len()
    }

    /// The argument that is gathered as that one in order. One that is demanded may come twice.
    #[inline(always)]
    pub fn nth(&self, step: usize) -> usize {
        self.order.get(step).copied().unwrap_or(step)
    }
}
