//! What a frame need not hold: slots are forgotten after their last use.
//!
//! A frame stays on the stack while it waits for a value, and so does what lies in its slots. Before
//! an instruction that may wait, those are cleared that nothing reads any more, so that a list which
//! is walked by a callee is not kept by its caller. Arguments, lets and captures are looked at, the
//! first 32 of them; the law itself, which keeps the code alive, stays. A frame that is replaced (a
//! tail call) needs nothing of this.
//!
//! Instructions only jump forward, so what is live follows from one pass from the end, and what is
//! still held from one from the start.

use super::super::code::{Op, ReflectTargets, ThunkEntry, ValueSource};

/// SlotSet, a bit each.
type SlotSet = u32;

/// Instructions that run in one kind of frame: a law's body, or a lazy subexpression.
#[derive(Clone, Copy)]
pub(super) struct FrameRegion {
    /// Its first instruction. It ends where the next region starts.
    pub(super) start: u32,
    /// The slots that are there throughout and may be forgotten.
    pub(super) slots: SlotSet,
}

/// The slots from `from` up to, not including, `to`.
pub(super) fn range(from: u32, to: u32) -> SlotSet {
    let below = |slot: u32| 1u32.checked_shl(slot).map_or(SlotSet::MAX, |bit| bit - 1);
    below(to) & !below(from)
}

fn bit(slot: usize) -> SlotSet {
    u32::try_from(slot).ok().and_then(|slot| 1u32.checked_shl(slot)).unwrap_or(0)
}

/// A law's instructions, and what they refer to.
pub(super) struct Instructions<'a> {
    pub(super) ops: &'a mut Vec<Op>,
    pub(super) sources: &'a [ValueSource],
    pub(super) entries: &'a mut [ThunkEntry],
    pub(super) branches: &'a mut [ReflectTargets],
    /// Whether the jet in that constant is done at once.
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

    /// Notes which slots can be cleared before which instruction.
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
            Op::Thunk(entry) | Op::Fill(entry) => {
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

    /// Where an instruction of a frame goes on.
    fn successors(&self, at: usize, mut visit: impl FnMut(usize)) {
        match self.ops[at] {
            Op::Return | Op::ReturnSlot(_) | Op::TailCall(_) => return,
            Op::Jump(target) => return visit(target as usize),
            Op::Reflect(number) => {
                let ReflectTargets { pin, law, app, nat } = self.branches[number as usize];
                return [pin, law, app, nat].into_iter().for_each(|pc| visit(pc as usize));
            }
            Op::JumpIfFalse(target) | Op::JumpUnlessZero(target) | Op::Predecessor(target) => {
                visit(target as usize);
            }
            _ => {}
        }
        visit(at + 1);
    }

    /// Whether the frame may have to wait for something that takes long.
    fn may_wait(&self, op: Op) -> bool {
        match op {
            Op::Call(_) | Op::EvalSlot(_) | Op::Eval | Op::Normalise => true,
            Op::Native { pin, .. } => !(self.is_cheap)(pin),
            _ => false,
        }
    }

    fn insert(&mut self, clears: &[SlotSet]) {
        let old = std::mem::take(self.ops);
        let mut places = Vec::with_capacity(old.len() + 1);
        for (op, slots) in old.into_iter().zip(clears) {
            places.push(self.ops.len() as u32);
            if *slots != 0 {
                self.ops.push(Op::Clear(*slots));
            }
            self.ops.push(op);
        }
        places.push(self.ops.len() as u32);
        let moved = |pc: &mut u32| *pc = places[*pc as usize];
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
    }
}
