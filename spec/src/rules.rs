//! The rules of PLAN, with the names that the reference gives them.
//!
//! The method `K` is the rule `K[a, b]` of the pseudocode, whose equations are quoted above it. The
//! code departs from them in these points:
//!
//! - `W` requires a positive arity instead of a positive name, and otherwise crashes with operation
//!   0 and argument 0. It evaluates the arity before the name and the body.
//! - Calling a nat above 4 is a crash with that nat and its argument, which is normalised first.
//! - `L` fills the holes of the lets in the order in which they follow the arguments.
//! - An app is a black hole while it is evaluated, so that a value which needs itself is detected
//!   instead of evaluated forever. So is a let whose value is only itself.
//! - A let is recognised only along the top of a body: `(1 v b)`, then `b`, and so on. Elsewhere
//!   that form is a constant.
#![allow(non_snake_case, reason = "the rules keep the names of the reference")]

use malachite_base::num::basic::traits::{One, Zero};
use malachite_nz::natural::Natural;

use super::form::nat_arity;
use super::heap::{CellNode, CellRef, EvalFailure, EvalGraph, EvalResult};

impl EvalGraph {
    /// Forces to normal form.
    ///
    /// ```text
    /// F[o] = E[o]; when o:(f x) { F[f]; F[x] }; o
    /// ```
    pub(super) fn F(&mut self, o: CellRef) -> EvalResult<()> {
        let mut pending = vec![o];
        while let Some(o) = pending.pop() {
            self.E(o)?;
            if let CellNode::App(f, x) = *self.node(o) {
                pending.extend([x, f]);
            }
        }
        Ok(())
    }

    /// Evaluates to weak head normal form, in place.
    ///
    /// ```text
    /// E[o] = when o:(f x) { E[f]; when A[f]=1 { o <- S[o]; o <- X[o,o]; E[o] } }; o
    /// ```
    pub(super) fn E(&mut self, o: CellRef) -> EvalResult<()> {
        loop {
            self.step()?;
            let (f, x) = match *self.node(o) {
                CellNode::App(f, x) => (f, x),
                CellNode::Hole => return Err(EvalFailure::Loop),
                _ => return Ok(()),
            };
            self.set(o, CellNode::Hole);
            self.nested(|graph| graph.E(f))?;
            if self.A(f) != 1u8 {
                self.set(o, CellNode::App(f, x));
                return Ok(());
            }
            let frame = self.alloc(CellNode::App(f, x))?;
            let frame = self.S(frame)?;
            let result = self.nested(|graph| graph.X(frame, frame))?;
            self.update(o, result);
        }
    }

    /// Executes: `f` is the function, `e` the same function with all its arguments.
    ///
    /// ```text
    /// X[(f x), e]         = X[f,e]                X[1, (_ p l a n x)] = P[p,l,a,n,E[x]]
    /// X[<p>, e]           = X[p,e]                X[2, (_ z p x)]     = C[z,p,N[x]]
    /// X[{n a b}, e]       = B[a,a,e,b,b]          X[3, (_ x)]         = N[x]+1
    /// X[0, (_ n a b)]     = W[N[n],N[a],F[b]]     X[4, (_ x)]         = <F[x]>
    /// ```
    fn X(&mut self, f: CellRef, e: CellRef) -> EvalResult<CellRef> {
        let mut f = f;
        loop {
            match self.node(f).clone() {
                CellNode::App(g, _) => f = g,
                CellNode::Pin(p) => f = p,
                CellNode::Law { arity, body, .. } => {
                    let a = usize::try_from(&arity)
                        .expect("the frame holds as many arguments as the arity says");
                    return self.B(a, a, e, body, body);
                }
                CellNode::Nat(op) => return self.operate(op, e),
                CellNode::Hole | CellNode::Same(_) => return Err(EvalFailure::Loop),
            }
        }
    }

    /// The equations of `X` for nats, and the one for a nat above 4.
    fn operate(&mut self, op: Natural, e: CellRef) -> EvalResult<CellRef> {
        match u64::try_from(&op) {
            Ok(0) => {
                let [n, a, b] = self.arguments(e);
                self.W(n, a, b)
            }
            Ok(1) => {
                let [p, l, a, n, x] = self.arguments(e);
                self.E(x)?;
                self.P(p, l, a, n, x)
            }
            Ok(2) => {
                let [z, p, x] = self.arguments(e);
                let n = self.N(x)?;
                self.C(z, p, n)
            }
            Ok(3) => {
                let [x] = self.arguments(e);
                let n = self.N(x)?;
                self.alloc(CellNode::Nat(n + Natural::ONE))
            }
            Ok(4) => {
                let [x] = self.arguments(e);
                self.F(x)?;
                self.alloc(CellNode::Pin(x))
            }
            _ => {
                let [arg] = self.arguments(e);
                self.F(arg)?;
                Err(EvalFailure::Crash { op, arg })
            }
        }
    }

    /// Returns the arguments of a frame that has exactly `K` of them.
    fn arguments<const K: usize>(&self, e: CellRef) -> [CellRef; K] {
        std::array::from_fn(|i| self.I(e, e, K - 1 - i))
    }

    /// Saturates: rewrites a frame as one head and its arguments.
    ///
    /// A law runs with the pin around it as its self-reference; any other pinned value is taken out
    /// of its pin.
    ///
    /// ```text
    /// S[o:(f x y)]       = (S[(f x)] y)
    /// S[o:(<{n a b}> y)] = o
    /// S[o:(<f> x)]       = S[(f x)]
    /// S[o]               = o
    /// ```
    fn S(&mut self, o: CellRef) -> EvalResult<CellRef> {
        let CellNode::App(f, x) = *self.node(o) else { return Ok(o) };
        match *self.node(f) {
            CellNode::App(..) => {
                let g = self.nested(|graph| graph.S(f))?;
                self.alloc(CellNode::App(g, x))
            }
            CellNode::Pin(p) if !matches!(self.node(p), CellNode::Law { .. }) => {
                let inner = self.alloc(CellNode::App(p, x))?;
                self.nested(|graph| graph.S(inner))
            }
            _ => Ok(o),
        }
    }

    /// Computes the arity of a value in weak head normal form.
    ///
    /// ```text
    /// A[(f x)] = A[f]-1      A[<p>] = A[p]      A[{n a b}] = a      A[n:@] = I[1, (3 5 3), n]
    /// ```
    fn A(&self, o: CellRef) -> Natural {
        let mut o = o;
        let mut given = Natural::ZERO;
        loop {
            match self.node(o) {
                CellNode::App(f, _) => {
                    given += Natural::ONE;
                    o = *f;
                }
                CellNode::Pin(p) => o = *p,
                CellNode::Law { arity, .. } => return arity - given,
                CellNode::Nat(n) => return Natural::from(nat_arity(n)) - given,
                CellNode::Hole | CellNode::Same(_) => {
                    unreachable!("only evaluated functions have an arity")
                }
            }
        }
    }

    /// Indexes an environment from its right end.
    ///
    /// ```text
    /// I[f, (e x), 0] = x      I[f, (e x), n] = I[f, e, n-1]
    /// I[f, e,     0] = e      I[f, e,     n] = f
    /// ```
    fn I(&self, f: CellRef, e: CellRef, n: usize) -> CellRef {
        let (mut e, mut n) = (e, n);
        loop {
            match (self.node(e), n) {
                (CellNode::App(_, x), 0) => return *x,
                (_, 0) => return e,
                (CellNode::App(rest, _), _) => {
                    e = *rest;
                    n -= 1;
                }
                _ => return f,
            }
        }
    }

    /// Casts to a nat: `N[o] = E[o]; if o:@ then o else 0`.
    fn N(&mut self, o: CellRef) -> EvalResult<Natural> {
        self.E(o)?;
        Ok(match self.node(o) {
            CellNode::Nat(n) => n.clone(),
            _ => Natural::ZERO,
        })
    }

    /// Counts down: `C[z,p,n] = if n=0 then z else p (n-1)`.
    fn C(&mut self, z: CellRef, p: CellRef, n: Natural) -> EvalResult<CellRef> {
        if n == 0u8 {
            return Ok(z);
        }
        let less = self.alloc(CellNode::Nat(n - Natural::ONE))?;
        self.alloc(CellNode::App(p, less))
    }

    /// Matches on the kind of `x`, which is evaluated.
    ///
    /// ```text
    /// P[p,l,a,n,(f x)] = (a f x)      P[p,l,a,n,{n a b}] = (l n a b)
    /// P[p,l,a,n,<x>]   = (p x)        P[p,l,a,n,x:@]     = (n x)
    /// ```
    fn P(
        &mut self,
        p: CellRef,
        l: CellRef,
        a: CellRef,
        n: CellRef,
        x: CellRef,
    ) -> EvalResult<CellRef> {
        match self.node(x).clone() {
            CellNode::App(f, y) => self.call(a, &[f, y]),
            CellNode::Pin(item) => self.call(p, &[item]),
            CellNode::Law { name, arity, body } => {
                let name = self.alloc(CellNode::Nat(name))?;
                let arity = self.alloc(CellNode::Nat(arity))?;
                self.call(l, &[name, arity, body])
            }
            CellNode::Nat(_) => self.call(n, &[x]),
            CellNode::Hole | CellNode::Same(_) => unreachable!("the scrutinee has been evaluated"),
        }
    }

    /// Adds the unevaluated app of `f` to the arguments.
    fn call(&mut self, f: CellRef, arguments: &[CellRef]) -> EvalResult<CellRef> {
        arguments.iter().try_fold(f, |f, &x| self.alloc(CellNode::App(f, x)))
    }

    /// Makes a law: `W[n,a,b] | a>0 = {n,a,b}`, after casting and normalising its arguments.
    fn W(&mut self, n: CellRef, a: CellRef, b: CellRef) -> EvalResult<CellRef> {
        let arity = self.N(a)?;
        if arity == 0u8 {
            let arg = self.alloc(CellNode::Nat(Natural::ZERO))?;
            return Err(EvalFailure::Crash { op: Natural::ZERO, arg });
        }
        let name = self.N(n)?;
        self.F(b)?;
        self.alloc(CellNode::Law { name, arity, body: b })
    }

    /// Builds the environment of a law: a hole for every let at the top of its body.
    ///
    /// ```text
    /// B[a,n,e,b,(1 _ k)] = B[a,n+1,(e <>),b,k]
    /// B[a,n,e,b,x]       = L[a,n,e,b]
    /// ```
    fn B(&mut self, a: usize, n: usize, e: CellRef, b: CellRef, k: CellRef) -> EvalResult<CellRef> {
        let (mut n, mut e, mut k) = (n, e, k);
        while let Some((_, rest)) = self.as_let(k) {
            let hole = self.alloc(CellNode::Hole)?;
            e = self.alloc(CellNode::App(e, hole))?;
            n += 1;
            k = rest;
        }
        self.L(a, n, e, b)
    }

    /// Fills the holes of the lets, then runs what follows them.
    ///
    /// `i` is the number of entries in the environment before the current let: the arguments, and
    /// the lets that are already filled.
    ///
    /// ```text
    /// L[i,n,e,(1 v b)] = I[_,e,n-(i+1)] <- R[n,e,v]; L[i+1,n,e,b]
    /// L[_,n,e,x]       = R[n,e,x]
    /// ```
    fn L(&mut self, i: usize, n: usize, e: CellRef, b: CellRef) -> EvalResult<CellRef> {
        let (mut i, mut b) = (i, b);
        while let Some((v, rest)) = self.as_let(b) {
            let hole = self.I(e, e, n - (i + 1));
            let value = self.R(n, e, v)?;
            self.update(hole, value);
            i += 1;
            b = rest;
        }
        self.R(n, e, b)
    }

    /// Returns the value and the rest of a let `(1 v b)`.
    fn as_let(&self, b: CellRef) -> Option<(CellRef, CellRef)> {
        let CellNode::App(f, rest) = *self.node(b) else { return None };
        let CellNode::App(g, value) = *self.node(f) else { return None };
        self.is_nat(g, 1).then_some((value, rest))
    }

    fn is_nat(&self, o: CellRef, n: u64) -> bool {
        matches!(self.node(o), CellNode::Nat(m) if *m == n)
    }

    /// Runs a law's body: builds the expression that it denotes, without evaluating it.
    ///
    /// ```text
    /// R[n,e,b:@] | b≤n = I[_,e,(n-b)]                R[n,e,(2 x)] = x
    /// R[n,e,(0 f x)]   = (R[n,e,f] R[n,e,x])         R[n,e,x]     = x
    /// ```
    fn R(&mut self, n: usize, e: CellRef, b: CellRef) -> EvalResult<CellRef> {
        match self.node(b) {
            CellNode::Nat(index) => Ok(match usize::try_from(index) {
                Ok(index) if index <= n => self.I(e, e, n - index),
                _ => b,
            }),
            CellNode::App(g, x) => {
                let (g, x) = (*g, *x);
                match *self.node(g) {
                    CellNode::App(zero, f) if self.is_nat(zero, 0) => {
                        let f = self.nested(|graph| graph.R(n, e, f))?;
                        let x = self.nested(|graph| graph.R(n, e, x))?;
                        self.alloc(CellNode::App(f, x))
                    }
                    CellNode::Nat(_) if self.is_nat(g, 2) => Ok(x),
                    _ => Ok(b),
                }
            }
            _ => Ok(b),
        }
    }
}
