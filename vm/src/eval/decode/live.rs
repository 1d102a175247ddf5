//! Liveness of slots: dead slots are cleared before a frame waits.
//!
//! A frame stays on the stack while it waits for a value, and its slots keep values alive. Before
//! each instruction that may wait, code clears the slots that nothing reads afterwards, so that a
//! list which a callee consumes is not kept alive by its caller. The analysis covers the first 32
//! arguments, lets and captured values; the law itself is kept, because it keeps the code alive. A
//! tail call replaces the frame and needs no clearing.
//!
//! Instructions only jump forward, so one backward pass finds the live slots, and one forward pass
//! those that still hold values.

use super::super::code::{Op, ReflectTargets, SwitchTargets, ThunkEntry, ValueSource};

/// A set of slots, one bit for each.
type SlotSet = u32;

/// The instructions of one frame: a law's body, or a lazy subexpression.
#[derive(Clone, Copy)]
pub(super) struct FrameRegion {
    /// Its first instruction. It ends where the next region starts.
    pub(super) start: u32,
    /// The slots that exist throughout and may be cleared.
    pub(super) slots: SlotSet,
}

/// The slots from `from` up to, but not including, `to`.
pub(super) fn range(from: u32, to: u32) -> SlotSet {
    let below = |slot: u32| 1u32.checked_shl(slot).map_or(SlotSet::MAX, |bit| bit - 1);
    below(to) & !below(from)
}

fn bit(slot: usize) -> SlotSet {
    u32::try_from(slot).ok().and_then(|slot| 1u32.checked_shl(slot)).unwrap_or(0)
}

/// A law's instructions, and the tables that they refer to.
pub(super) struct Instructions<'a> {
    pub(super) ops: &'a mut Vec<Op>,
    pub(super) sources: &'a [ValueSource],
    pub(super) entries: &'a mut [ThunkEntry],
    pub(super) branches: &'a mut [ReflectTargets],
    pub(super) switches: &'a mut [SwitchTargets],
    /// Whether the jet in that constant is cheap, so that its call does not wait.
    pub(super) is_cheap: &'a dyn Fn(u32) -> bool,
}

impl Instructions<'_> {
    /// Inserts the instructions that clear slots.
    pub(super) fn clear_dead_slots(&mut self, regions: &[FrameRegion]) {
        let mut clears = vec![0; self.ops.len()];
        let mut end = self.ops.len();
        for region in regions.iter().rev() {
            let start = region.start as usize;
            self.find_dead(start, end, region.slots, &mut clears);
            end = start;
        }
        if clears.iter().any(|slots| *slots != 0) {
            self.insert(&clears);
        }
    }

    /// Finds the slots that can be cleared before each instruction of a region.
    fn find_dead(&self, start: usize, end: usize, slots: SlotSet, clears: &mut [SlotSet]) {
        let mut live = vec![0; end - start];
        for at in (start..end).rev() {
            let mut needed = self.reads(self.ops[at]);
            self.successors(at, |next| needed |= live[next - start]);
            live[at - start] = needed;
        }
        let mut held = vec![0; end - start];
        held[0] = slots;
        for at in start..end {
            let mut left = held[at - start];
            if self.may_wait(self.ops[at]) {
                clears[at] = left & !live[at - start];
                left &= live[at - start];
            }
            self.successors(at, |next| held[next - start] |= left);
        }
    }

    fn read_from(&self, start: usize, count: usize) -> SlotSet {
        let sources = &self.sources[start..start + count];
        sources.iter().fold(0, |slots, source| slots | source.slot_or_constant().map_or(0, bit))
    }

    /// The slots that an instruction reads.
    fn reads(&self, op: Op) -> SlotSet {
        match op {
            Op::Slot(slot) | Op::EvalSlot(slot) | Op::ReturnSlot(slot) => bit(slot as usize),
            Op::Push(list) | Op::Delay(list) | Op::ApplyEagerly(list) => {
                self.read_from(list.start as usize, usize::from(list.count))
            }
            Op::Thunk(entry) | Op::Select { entry, .. } | Op::Fill(entry) => {
                let entry = self.entries[entry as usize];
                let captured = self.read_from(entry.captures as usize, entry.captured as usize);
                if matches!(op, Op::Fill(_)) {
                    captured | bit(entry.hole as usize)
                } else {
                    captured
                }
            }
            _ => 0,
        }
    }

    /// Visits the instructions that may run after the one at `at` in the same frame.
    fn successors(&self, at: usize, mut visit: impl FnMut(usize)) {
        match self.ops[at] {
            Op::Return | Op::ReturnSlot(_) | Op::TailCall(_) => return,
            Op::Jump(target) => return visit(target as usize),
            Op::Reflect(number) => {
                let ReflectTargets { pin, law, app, nat } = self.branches[number as usize];
                return [pin, law, app, nat].into_iter().for_each(|pc| visit(pc as usize));
            }
            Op::Switch(number) => {
                let SwitchTargets { cases, default, .. } = &self.switches[number as usize];
                return cases.iter().chain([default]).for_each(|pc| visit(*pc as usize));
            }
            Op::JumpIfFalse(target) | Op::JumpUnlessZero(target) | Op::Predecessor(target) => {
                visit(target as usize);
            }
            _ => {}
        }
        visit(at + 1);
    }

    /// Whether the frame may wait for a long evaluation at this instruction.
    fn may_wait(&self, op: Op) -> bool {
        match op {
            Op::Call(_) | Op::EvalSlot(_) | Op::Eval | Op::Normalise => true,
            Op::Native { pin, .. } => !(self.is_cheap)(pin),
            _ => false,
        }
    }

    /// Inserts the clearing instructions, and adjusts all jump targets.
    fn insert(&mut self, clears: &[SlotSet]) {
        let old = std::mem::take(self.ops);
        let mut positions = Vec::with_capacity(old.len() + 1);
        for (op, slots) in old.into_iter().zip(clears) {
            positions.push(self.ops.len() as u32);
            if *slots != 0 {
                self.ops.push(Op::Clear(*slots));
            }
            self.ops.push(op);
        }
        positions.push(self.ops.len() as u32);
        let moved = |pc: &mut u32| *pc = positions[*pc as usize];
        for op in self.ops.iter_mut() {
            match op {
                Op::Frame(pc)
                | Op::Jump(pc)
                | Op::JumpIfFalse(pc)
                | Op::JumpUnlessZero(pc)
                | Op::Predecessor(pc) => moved(pc),
                _ => {}
            }
        }
        self.entries.iter_mut().for_each(|entry| moved(&mut entry.pc));
        for ReflectTargets { pin, law, app, nat } in self.branches.iter_mut() {
            [pin, law, app, nat].into_iter().for_each(moved);
        }
        for SwitchTargets { cases, default, .. } in self.switches.iter_mut() {
            cases.iter_mut().chain([default]).for_each(moved);
        }
    }
}
