//! [`Evaluator`]: the state of evaluation that is not on the stack.

use super::code::LawCode;
use super::frame::FrameKind;
use super::loop_run::LoopRun;
use crate::call_chain::ChainRecorder;
use crate::pool_id::PoolId;
use crate::span::SpanRecorder;
use std::collections::HashMap;
use std::rc::Rc;

/// The state of evaluation that is not on the stack.
pub(crate) struct Evaluator {
    /// Decoded laws by the number of their pool.
    pub(super) codes: Vec<Option<Rc<LawCode>>>,
    /// The newest mark on the stack, as one more than its index; 0 if there is none.
    pub(super) mark: usize,
    /// The number of nested runs of the loop.
    pub(super) nesting: usize,
    /// The newest run of the loop; null if there is none.
    pub(super) newest_run: *const LoopRun,
    /// Whether evaluation is in law order, which means interpreted: see `try_catch`.
    pub(super) in_law_order: bool,
    /// The number of times that the interpreter has entered compiled code.
    pub(crate) compiled_runs: u64,
    /// The number of applications that jets have made; it wraps around.
    pub(crate) jet_applications: u32,
    /// The pools of laws whose code slot holds compiled code, by the code's address.
    pub(super) decoded: HashMap<usize, u32>,
    /// Code without instructions, for a position before any law runs.
    pub(super) idle: Rc<LawCode>,
    /// What gets the times of laws and traces, if anything does.
    pub(crate) spans: Option<SpanRecorder>,
    /// The call chain of the last error.
    pub(super) recorder: ChainRecorder,
}

/// The part of the state that an evaluation has for itself, while another evaluation runs. The
/// fields are those of [`Evaluator`].
pub(crate) struct EvaluatorContext {
    mark: usize,
    nesting: usize,
    newest_run: *const LoopRun,
    in_law_order: bool,
    compiled_runs: u64,
}

impl Default for EvaluatorContext {
    fn default() -> EvaluatorContext {
        EvaluatorContext {
            mark: 0,
            nesting: 0,
            newest_run: std::ptr::null(),
            in_law_order: false,
            compiled_runs: 0,
        }
    }
}

/// The frame kind of the mark of a thunk under evaluation.
pub(crate) const UPDATE: u64 = FrameKind::Update as u64;

/// The offset of the index of the newest mark, for compiled code.
pub(crate) const MARK_OFFSET: usize = std::mem::offset_of!(Evaluator, mark);

impl Evaluator {
    pub(crate) fn new() -> Evaluator {
        let idle = Rc::new(LawCode::idle());
        Evaluator {
            codes: Vec::new(),
            mark: 0,
            nesting: 0,
            newest_run: std::ptr::null(),
            in_law_order: false,
            compiled_runs: 0,
            jet_applications: 0,
            decoded: HashMap::new(),
            idle,
            spans: None,
            recorder: ChainRecorder::default(),
        }
    }

    /// Exchanges the part that an evaluation has for itself.
    pub(crate) fn exchange_context(&mut self, other: &mut EvaluatorContext) {
        std::mem::swap(&mut self.mark, &mut other.mark);
        std::mem::swap(&mut self.nesting, &mut other.nesting);
        std::mem::swap(&mut self.newest_run, &mut other.newest_run);
        std::mem::swap(&mut self.in_law_order, &mut other.in_law_order);
        std::mem::swap(&mut self.compiled_runs, &mut other.compiled_runs);
    }

    /// Drops the code of the pools that the collector found dead.
    pub(crate) fn forget_dead(&mut self, dead: &mut Vec<PoolId>) {
        if dead.is_empty() {
            return;
        }
        for pool in dead.drain(..) {
            // A pool with the constants of compiled code has no decoded code.
            if let Some(code) = self.codes.get_mut(pool.0 as usize) {
                *code = None;
            }
        }
        let codes = &self.codes;
        self.decoded.retain(|_, pool| codes[*pool as usize].is_some());
    }

    /// Counts applications that jets have made as calls of the law with that pool.
    pub(super) fn count_calls(&self, pool: PoolId, count: u32) {
        // The pool may have been freed since, and then its number may be that of another law, which
        // does no harm.
        if let Some(Some(code)) = self.codes.get(pool.0 as usize) {
            code.calls.set(code.calls.get().saturating_add(count).min(u32::MAX / 2));
        }
    }

    /// The code of that pool, which is live.
    #[inline(always)]
    pub(super) fn code(&self, pool: u32) -> &Rc<LawCode> {
        match &self.codes[pool as usize] {
            Some(code) => code,
            None => unreachable!("code that something refers to is kept"),
        }
    }
}
