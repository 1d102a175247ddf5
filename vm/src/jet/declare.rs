//! [`JetDeclaration`]: the single declaration of a jet, from which the evaluator, the compiler,
//! lists of jets and tests are derived from it.
//!
//! A declaration is a constant, made by [`JetDeclaration::native`] or [`JetDeclaration::control`]
//! and refined by chained methods. A property that is not set has its weakest value: any result,
//! and possibly a crash.

/// How far an argument is evaluated before the jet gets it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ArgDemand {
    /// Not at all.
    Lazy,
    /// To its outermost shape.
    Head,
    /// To normal form.
    Normal,
}

/// A jet's answer to a call.
#[derive(Debug)]
pub enum JetAnswer {
    /// The result is on top of the stack.
    Done,
    /// A function and this many arguments are on top of the stack; the result is that of the call.
    Call(usize),
    /// The value on top of the stack, evaluated to its outermost shape, is the result.
    Eval,
    /// Evaluate the value on top of the stack to its outermost shape, then call the jet again with
    /// the same arguments. The value must be a thunk that is reachable from the arguments, so that
    /// the jet finds it evaluated next time.
    Again,
    /// The jet does not handle these arguments: run the law.
    Law,
}

/// The code of a jet.
#[derive(Clone, Copy)]
pub enum JetCode<F> {
    /// A native function of the evaluated arguments.
    Native(F),
    /// A control form that the evaluator implements.
    Control(ControlForm),
}

/// The control forms that the evaluator implements.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ControlForm {
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
    /// `deepTrace a b`: like `trk`, with the hook for deep traces if there is one.
    DeepTrace,
    /// `try row`: `[1 v]` if the call that the row describes has the normal form `v`, `[0 [op
    /// arg]]` if it crashes.
    Try,
    /// `_TryExp x`: the same for nested applications, encoded as data.
    TryExpression,
}

/// The declaration of a jet. `F` is the type of native functions, which mentions the evaluator.
#[derive(Clone, Copy)]
pub struct JetDeclaration<F> {
    /// The name of the law that it implements.
    pub name: &'static str,
    /// How far each argument is evaluated before its code runs.
    pub demands: &'static [ArgDemand],
    /// The indices of the demanded arguments in the order in which the law evaluates them; first to
    /// last if this is empty. The order decides which of several crashes is the result.
    pub order: &'static [usize],
    /// The shape of its result, if it returns one.
    pub result: ResultShape,
    /// Whether it may crash although its arguments do not.
    pub crashes: CrashCondition,
    /// The condition under which it is cheap, if it ever is.
    pub cheap: Option<CheapCondition>,
    /// The operation that it computes, if a compiler may have instructions for it.
    pub operation: Option<JetOperation>,
    /// Its code.
    pub code: JetCode<F>,
}

/// The shape of a jet's result, whatever the arguments are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ResultShape {
    /// Anything.
    Any,
    /// 0 or 1.
    Bit,
    /// A nat below 2^63, which needs no object.
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

/// Whether a call may crash once its arguments are evaluated: demanded arguments as far as they are
/// demanded, lazy ones to their outermost shape.
///
/// A call that does not crash evaluates nothing beyond its arguments and returns an evaluated
/// value. It may still run out of memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CrashCondition {
    /// It never does.
    Never,
    /// It does not crash if the arguments are nats.
    NotOnNats,
    /// It may crash.
    Maybe,
}

/// The exponents of 2 below this have a power below 2^63.
pub(crate) const EXPONENT_LIMIT: u64 = 63;

/// The condition under which a jet is *cheap*: it takes a short, bounded time, allocates a few
/// words at most (or, for an edit of a table or set, the path to one key), and neither crashes nor re-enters the evaluator. A lazy application of a cheap
/// jet to evaluated arguments is computed eagerly, which saves the thunk and everything that the
/// thunk would keep alive. If the jet answers without a result, the application stays lazy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CheapCondition {
    /// It is cheap unless an argument is a nat of 2^63 or more.
    Always,
    /// It is cheap if all arguments are nats below 2^63.
    OnNats,
    /// It is cheap if all arguments are nats below 2^64.
    OnU64,
    /// It is cheap if all arguments are nats below 63, such as exponents of 2.
    OnExponents,
    /// It is cheap if argument 0, the key of a search, is a nat below 2^63, a short bar, or a short row
    /// of such nats.
    OnShortKey,
}

/// The operation of a primitive jet. An operand that is not a nat counts as 0 where a nat is
/// needed; comparisons and type tests take any values.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum JetOperation {
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
    /// The bits that either has.
    BitOr,
    /// The bits that both have.
    BitAnd,
    /// The bits that exactly one has.
    BitXor,
    /// The number of bits that are set.
    PopCount,
    /// The number of bits up to the highest one that is set; 0 for 0.
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
    /// Whether either is true; the second is evaluated only if the first is not.
    Or,
    /// The negation of `And`, with the same evaluation.
    NotAnd,
    /// The negation of `Or`, with the same evaluation.
    NotOr,
    /// Whether exactly one is true.
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
    /// The first of two orders, as [`JetOperation::Compare`] returns them, unless it is 1; the second, which is
    /// evaluated only then, if it is.
    CombineOrders,
    /// Whether the value is the nat of a decimal digit's character.
    IsDigit,
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
    /// A nat itself; item 0 of a row or other app, evaluated; 0 for any other value.
    DataTag,
    /// Item 0 of a row or other app, evaluated; 0 for a nat, and a part of a pin or law.
    Cdr,
    /// The row of `b 0`, `b 1`, ..., up to `b (a - 1)`, which stay unevaluated.
    Generate,
    /// The row of `a` applied to each item of row `b`, unevaluated.
    Map,
    /// The sum of the items of a row, evaluated from the last to the first.
    Sum,
    /// The sum of the results of `a` for the items of row `b`.
    SumOf,
    /// The row of pairs of the items of two rows, as many as the shorter one has.
    Zip,
    /// Row `b` without its first `a` items.
    Drop,
    /// Row `b` with `a` before its first item.
    Cons,
    /// Row `a` with `b` behind its last item.
    Snoc,
    /// The number of arguments of an app, which is a row's length; 0 for a value that is not an
    /// app.
    Length,
    /// Item `a` of row `b`, evaluated; 0 beyond the last.
    Index,
    /// Item `b` of row `a`, evaluated; 0 beyond the last.
    Get,
    /// Item `a` of row `c`, evaluated; `b` beyond the last, or if `a` is no nat.
    SwitchRow,
    /// The value of key `a` in table `c`, evaluated; `b` if the key is missing.
    SwitchTable,
    /// The value of key `a` in table `b`, evaluated; 0 if the key is missing.
    TableItem,
    /// The value of key `a` in table `b`, unevaluated, as an optional value: the app `(0 value)`, or 0
    /// if the key is missing.
    OptionalTableItem,
    /// Whether table `b` has key `a`.
    TableHasKey,
    /// Whether set `b` has key `a`.
    SetHasKey,
    /// Row `a` with item `b` replaced by `c`; `a` itself if it has no such item.
    Put,
    /// Row `c` with item `a` replaced by `b`; `c` itself if it has no such item.
    Mutate,
    /// Table `c` with key `a` mapped to `b`.
    TableInsert,
    /// Table `d` with key `b` mapped to `c`, or to `a` applied to `c` and its value in the table, if
    /// the table has the key.
    TableInsertWith,
    /// Set `b` with key `a`.
    SetInsert,
    /// Table `b` without key `a`.
    TableDelete,
    /// Set `b` without key `a`.
    SetDelete,
    /// The least key of a table; 0 if it has none.
    TableLeastKey,
    /// The least key of a set; 0 if it has none.
    SetLeastKey,
    /// The row of the keys of a table.
    TableKeysRow,
    /// The row of the values of a table.
    TableValues,
    /// The row of the keys of a set.
    SetKeysRow,
    /// The set of the key `a`.
    SetSingleton,
    /// The set of the keys of two sets.
    SetUnion,
    /// The set of the keys of set `a` that set `b` does not have.
    SetDifference,
    /// The number of keys of a table.
    TableLength,
    /// Whether a table has no keys.
    TableIsEmpty,
    /// The number of keys of a set.
    SetLength,
    /// Whether a set has no keys.
    SetIsEmpty,
    /// Byte `a` of bar `b`; 0 beyond the last.
    Byte,
    /// The number of bytes of a bar.
    ByteCount,
    /// The bar of the lowest `a` bytes of nat `b`.
    SizedBar,
    /// The part of bar `c` from byte `a` on, of `b` bytes at most.
    BarSlice,
    /// The row of the bytes of a bar.
    BarToRow,
    /// Whether a bar has no bytes.
    BarIsEmpty,
    /// The concatenation of the bars in a row, whose items are all evaluated.
    ConcatenateBars,
    /// The concatenation of the texts in a row, whose items are all evaluated.
    ConcatenateTexts,
    /// The bar of the bytes in a row, whose items are all evaluated.
    RowToBar,
    /// On words of 32 bits.
    Word32(WordOperation),
    /// On words of 64 bits.
    Word64(WordOperation),
}

/// The operation of a jet on machine words: only the low bits of the nats are used.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum WordOperation {
    /// The low bits.
    Low,
    /// `a + 1`.
    Increment,
    /// `a - 1`.
    Decrement,
    /// `a + b`.
    Add,
    /// `a * b`.
    Multiply,
    /// The quotient; 0 if `b` is 0.
    Divide,
    /// The bits that `a` does not have.
    Complement,
    /// The bits that both have.
    And,
    /// The bits that either has.
    Or,
    /// The bits that exactly one has.
    Xor,
    /// `a` shifted left by `b`; 0 if `b` is the word's width or more.
    ShiftLeft,
    /// `a` shifted right by `b`; 0 if `b` is the word's width or more.
    ShiftRight,
    /// `a - b`, if both fit in a word.
    Subtract,
    /// `a` rotated left by `b`, if `b` is at most the word's width.
    RotateLeft,
    /// `a` rotated right by `b`, if `b` is at most the word's width.
    RotateRight,
    /// Whether `a` is 0.
    IsZero,
    /// Whether `a` and `b` are equal.
    Equal,
    /// Whether `a` is less than `b`.
    Less,
    /// Whether `a` is less than `b`, or equal.
    LessOrEqual,
    /// Whether `a` is greater than `b`.
    Greater,
    /// Whether `a` is greater than `b`, or equal.
    GreaterOrEqual,
    // Numbers in two's complement.
    /// Whether `a` is negative.
    IsNegative,
    /// `-a`.
    Negate,
    /// `a - b`.
    SignedSubtract,
    /// The quotient, rounded towards 0; 0 if `b` is 0.
    SignedDivide,
    /// Whether `a` is less than `b`.
    SignedLess,
    /// Whether `a` is less than `b`, or equal.
    SignedLessOrEqual,
    /// Whether `a` is greater than `b`.
    SignedGreater,
    /// Whether `a` is greater than `b`, or equal.
    SignedGreaterOrEqual,
}

impl JetOperation {
    /// Whether it is certain to evaluate all items of its only argument, if that is a row.
    pub fn evaluates_items(self) -> bool {
        matches!(
            self,
            JetOperation::Sum
                | JetOperation::ConcatenateBars
                | JetOperation::ConcatenateTexts
                | JetOperation::RowToBar
        )
    }
}

impl<F: Copy> JetDeclaration<F> {
    /// A jet with a native function.
    pub const fn native(name: &'static str, demands: &'static [ArgDemand], code: F) -> Self {
        Self::new(name, demands, JetCode::Native(code))
    }

    /// A jet that the evaluator implements as a control form.
    pub const fn control(
        name: &'static str,
        demands: &'static [ArgDemand],
        form: ControlForm,
    ) -> Self {
        Self::new(name, demands, JetCode::Control(form))
    }

    const fn new(name: &'static str, demands: &'static [ArgDemand], code: JetCode<F>) -> Self {
        let (result, crashes) = (ResultShape::Any, CrashCondition::Maybe);
        Self { name, demands, order: &[], result, crashes, cheap: None, operation: None, code }
    }

    /// Sets the order of evaluation: the indices of all demanded arguments.
    pub const fn order(self, order: &'static [usize]) -> Self {
        Self { order, ..self }
    }

    /// Sets the shape of its result.
    pub const fn returns(self, result: ResultShape) -> Self {
        Self { result, ..self }
    }

    /// Sets the shape of its result, and that it never crashes.
    pub const fn total(self, result: ResultShape) -> Self {
        Self { result, crashes: CrashCondition::Never, ..self }
    }

    /// Sets the operation and the shape of its result, and that it never crashes.
    pub const fn primitive(self, operation: JetOperation, result: ResultShape) -> Self {
        Self { operation: Some(operation), ..self.total(result) }
    }

    /// Sets the operation and the shape of its result, and that it does not crash on nats.
    pub const fn on_nats(self, operation: JetOperation, result: ResultShape) -> Self {
        Self { operation: Some(operation), result, crashes: CrashCondition::NotOnNats, ..self }
    }

    /// Sets the operation, which it computes for operands of the types it is meant for; its result
    /// for others is unspecified.
    pub const fn operation(self, operation: JetOperation) -> Self {
        Self { operation: Some(operation), ..self }
    }

    /// Sets the condition under which it is cheap.
    pub const fn cheap(self, cheap: CheapCondition) -> Self {
        Self { cheap: Some(cheap), ..self }
    }

    /// The number of its arguments, which is the law's arity.
    pub const fn arity(&self) -> usize {
        self.demands.len()
    }

    /// The indices of the demanded arguments in the order in which they are evaluated.
    pub fn evaluation_order(&self) -> impl Iterator<Item = usize> {
        let count = if self.order.is_empty() { self.arity() } else { self.order.len() };
        let demands = self.demands;
        let steps = (0..count).map(|step| self.nth(step));
        steps.filter(move |index| demands[*index] != ArgDemand::Lazy)
    }

    /// The index of the argument that is evaluated in that step. A demanded argument may come up
    /// twice.
    #[inline(always)]
    pub fn nth(&self, step: usize) -> usize {
        self.order.get(step).copied().unwrap_or(step)
    }
}
