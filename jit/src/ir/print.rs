//! Printing units in the text form, which [`parse`](super::parse()) reads back.

use super::{
    ArgDemand, Block, BlockId, Call, Callee, Constant, ConstantKind, Function, FunctionRole, Op,
    Operand, Stmt, Terminator, Type, Unit, Var, WorkerSignature,
};
use std::fmt::{self, Display, Formatter};

impl Display for Type {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Type::Bit => "bit",
            Type::Half => "half",
            Type::Small => "small",
            Type::U64 => "u64",
            Type::Nat => "nat",
            Type::Whnf => "whnf",
            Type::Any => "any",
        })
    }
}

impl Display for Operand {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Operand::Var(var) => var.fmt(f),
            Operand::Small(nat) => nat.fmt(f),
            Operand::Constant(k) => k.fmt(f),
        }
    }
}

/// Prints items separated by commas.
struct List<'a, T>(&'a [T]);

impl<T: Display> Display for List<'_, T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (i, item) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(", ")?;
            }
            item.fmt(f)?;
        }
        Ok(())
    }
}

impl Display for Call {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.callee {
            Callee::Known(k) => write!(f, "call {k}")?,
            Callee::Worker(k) => write!(f, "call worker {k}")?,
            Callee::Jet(k) => write!(f, "call jet {k}")?,
            Callee::Local(function) => write!(f, "call {function}")?,
            Callee::Unknown(function) => write!(f, "apply {function}")?,
        }
        write!(f, "({})", List(&self.args))
    }
}

impl Display for Op {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Op::Thunk(entry, list) => write!(f, "thunk {entry}({})", List(list)),
            Op::Delay(function, list) => write!(f, "delay {function}({})", List(list)),
            Op::Partial(k, list) => write!(f, "partial {k}({})", List(list)),
            Op::Row(list) => write!(f, "row({})", List(list)),
            Op::Generate(entry, list) => write!(f, "generate {entry}({})", List(list)),
            Op::ZeroRow(count) => write!(f, "zerorow {count}"),
            Op::SetItem(list) => write!(f, "setitem {}", List(list)),
            Op::Force(a) => write!(f, "force {a}"),
            Op::Normalise(a) => write!(f, "normalise {a}"),
            Op::Prim(prim, list) => write!(f, "{} {}", prim.name(), List(list)),
            Op::Call(call) => call.fmt(f),
        }
    }
}

impl Display for WorkerSignature {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "({}) -> {}", List(&self.params), List(&self.results))
    }
}

/// Prints a demand.
struct PrintedDemand(ArgDemand);

impl Display for PrintedDemand {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            ArgDemand::Lazy => "lazy",
            ArgDemand::Head => "head",
            ArgDemand::Normal => "normal",
        })
    }
}

impl Display for Constant {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            ConstantKind::Pin => "pin",
            ConstantKind::Law => "law",
            ConstantKind::App => "app",
            ConstantKind::Nat => "nat",
        })?;
        write!(f, " {:?} arity {}", self.name, self.arity)?;
        if let Some(jet) = &self.jet {
            let demands: Vec<PrintedDemand> =
                jet.demands.iter().copied().map(PrintedDemand).collect();
            write!(f, " jet({})", List(&demands))?;
            if jet.result != Type::Whnf {
                write!(f, " -> {}", jet.result)?;
            }
        }
        if let Some(worker) = &self.worker {
            write!(f, " worker{worker}")?;
        }
        if let Some(entry) = self.entry {
            write!(f, " entry {entry}")?;
        }
        if let Some((function, args)) = &self.of {
            write!(f, " of {function}({})", List(args))?;
        }
        if let Some(number) = self.number {
            write!(f, " is {number}")?;
        }
        if let Some(limbs) = &self.limbs {
            write!(f, " limbs({})", List(limbs))?;
        }
        if let Some(length) = self.length {
            write!(f, " length {length}")?;
        }
        if let Some(items) = &self.items {
            write!(f, " row({})", List(items))?;
        }
        Ok(())
    }
}

impl Display for Unit {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if let Some(size) = self.row_size {
            writeln!(f, "rows {size}")?;
        }
        for (id, constant) in &self.constants {
            writeln!(f, "{id} = {constant}")?;
        }
        for (id, function) in &self.functions {
            writeln!(f)?;
            let role = match function.role {
                FunctionRole::General => "general",
                FunctionRole::Worker => "worker",
                FunctionRole::Thunk => "thunk",
                FunctionRole::Lazy => "lazy",
            };
            let params = function.typed(&function.params);
            write!(f, "{role} {id}({params}) -> {} ", List(&function.results))?;
            BodyPrinter { function, depth: 0 }.braces(f, function.entry)?;
            writeln!(f)?;
        }
        Ok(())
    }
}

impl Function {
    /// The text of variables with their types.
    fn typed(&self, vars: &[Var]) -> String {
        let one = |var: &Var| format!("{var}: {}", self.vars[*var]);
        vars.iter().map(one).collect::<Vec<_>>().join(", ")
    }
}

/// Prints blocks at an indentation depth.
#[derive(Clone, Copy)]
struct BodyPrinter<'a> {
    function: &'a Function,
    depth: usize,
}

impl BodyPrinter<'_> {
    fn braces(self, f: &mut Formatter<'_>, block: BlockId) -> fmt::Result {
        f.write_str("{\n")?;
        let inner = BodyPrinter { function: self.function, depth: self.depth + 1 };
        inner.block(f, &self.function.blocks[block])?;
        self.indent(f)?;
        f.write_str("}")
    }

    fn indent(self, f: &mut Formatter<'_>) -> fmt::Result {
        (0..self.depth).try_for_each(|_| f.write_str("  "))
    }

    fn block(self, f: &mut Formatter<'_>, block: &Block) -> fmt::Result {
        for stmt in &block.stmts {
            self.indent(f)?;
            self.stmt(f, stmt)?;
            f.write_str("\n")?;
        }
        self.indent(f)?;
        self.terminator(f, &block.terminator)?;
        f.write_str("\n")
    }

    fn stmt(self, f: &mut Formatter<'_>, stmt: &Stmt) -> fmt::Result {
        match stmt {
            Stmt::Let(vars, op) => write!(f, "{} = {op}", self.function.typed(vars)),
            Stmt::Rec(group) => {
                let one =
                    |(var, op): &(Var, Op)| format!("{} = {op}", self.function.typed(&[*var]));
                write!(f, "rec {{ {} }}", group.iter().map(one).collect::<Vec<_>>().join(" | "))
            }
            Stmt::Join(id) => {
                let join = &self.function.joins[*id];
                let word = if join.is_loop { "loop" } else { "join" };
                write!(f, "{word} {id}({}) ", self.function.typed(&join.params))?;
                self.braces(f, join.body)
            }
        }
    }

    fn terminator(self, f: &mut Formatter<'_>, terminator: &Terminator) -> fmt::Result {
        match terminator {
            Terminator::Return(list) => write!(f, "return {}", List(list)),
            Terminator::Enter(a) => write!(f, "enter {a}"),
            Terminator::Tail(call) => write!(f, "tail {call}"),
            Terminator::Jump(join, list) => write!(f, "jump {join}({})", List(list)),
            Terminator::If(condition, yes, no) => {
                write!(f, "if {condition} ")?;
                self.braces(f, *yes)?;
                f.write_str(" else ")?;
                self.braces(f, *no)
            }
            Terminator::Direct(on, nat, yes, no) => {
                write!(f, "direct {on} as {} ", self.function.typed(&[*nat]))?;
                self.braces(f, *yes)?;
                f.write_str(" else ")?;
                self.braces(f, *no)
            }
            Terminator::Switch(on, cases, default) => {
                writeln!(f, "switch {on} {{")?;
                for (nat, block) in cases {
                    self.arm(f, &nat.to_string(), *block)?;
                }
                self.arm(f, "else", *default)?;
                self.indent(f)?;
                f.write_str("}")
            }
            Terminator::Reflect(on, arms) => {
                writeln!(f, "reflect {on} {{")?;
                for (word, arm) in ["pin", "law", "app", "nat"].iter().zip(arms.iter()) {
                    let head = format!("{word}({})", self.function.typed(&arm.params));
                    self.arm(f, &head, arm.block)?;
                }
                self.indent(f)?;
                f.write_str("}")
            }
            Terminator::Closure(on, k, arm, other) => {
                writeln!(f, "closure {on} {{")?;
                let head = format!("{k}({})", self.function.typed(&arm.params));
                self.arm(f, &head, arm.block)?;
                self.arm(f, "else", *other)?;
                self.indent(f)?;
                f.write_str("}")
            }
            Terminator::Crash(operation, arg) => write!(f, "crash {operation}, {arg}"),
        }
    }

    fn arm(self, f: &mut Formatter<'_>, head: &str, block: BlockId) -> fmt::Result {
        let inner = BodyPrinter { function: self.function, depth: self.depth + 1 };
        inner.indent(f)?;
        write!(f, "{head} ")?;
        inner.braces(f, block)?;
        f.write_str("\n")
    }
}
