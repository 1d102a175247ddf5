//! Rehearsing an upgrade: the new program is run against the state and the last logged inputs of a
//! machine, beside the old one, and what differs is reported.
//!
//! A rehearsal runs on a [`MachineHistory`], so it changes nothing and sends nothing. It has two
//! cogs, each in a heap of its own:
//!
//! ```text
//!            state after event `from`          events from + 1 .. to
//! old cog ───────────┬──────────────── replay ──────────────▶ outputs, answers
//!                    └─ upgrade ─▶ new cog ── live, limits ──▶ outputs, answers      compared
//!                                                  state after event `to` ─ upgrade ─▶ workers
//! ```
//!
//! The upgrade itself is also tried on the newest state, which is the one that it will meet. An event
//! that fails in the new program is left out, so that the events after it are tried too.

use crate::cog::{AppliedEvent, Cog, CogError, CogOutput};
use crate::error::{AbortReason, StartError, UpgradeFailure};
use crate::event::{EventInput, EventOutcome, EventRecord, InputPayload};
use crate::history::{LoggedOutput, MachineHistory, cog_of, logged_outputs};
use crate::program::UpgradeProgram;
use crate::protocol::{CogParts, WorkerRef};
use crate::replay;
use crate::trace::ConsoleMessage;
use persist::Seq;
use plan::{EvalError, Hash, Val};
use std::collections::BTreeMap;
use std::time::Duration;

/// What a rehearsal found.
#[derive(Debug)]
pub struct RehearsalReport {
    /// The hash of the program.
    pub program: Hash,
    /// The event after which the upgrade was rehearsed.
    pub from: u64,
    /// The last event of the machine.
    pub to: u64,
    /// How long the upgrade took on the state after `from`, or why it failed.
    pub upgrade: Result<Duration, UpgradeFailure>,
    /// The same on the newest state.
    pub upgrade_now: Result<Duration, UpgradeFailure>,
    /// Which workers the upgrade of the newest state keeps. None if it failed.
    pub workers: Option<WorkerComparison>,
    /// The events since `from`. Empty if the upgrade failed there.
    pub events: Vec<RehearsedEvent>,
    /// The largest heaps of the old and the new program, in bytes.
    pub heaps: [usize; 2],
}

/// The slots whose workers an upgrade keeps and does not keep.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct WorkerComparison {
    /// Their items are equal, so they keep running with their connections.
    pub kept: Vec<u64>,
    /// Their workers end. If the new program has another worker in the slot, it is also in
    /// `started`.
    pub ended: Vec<u64>,
    /// Workers start in them.
    pub started: Vec<u64>,
}

/// An event that both programs were given.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RehearsedEvent {
    /// The number of the event.
    pub event: u64,
    /// How many inputs it has.
    pub inputs: usize,
    /// How it ended in the old program, according to the log.
    pub old: RehearsedEnding,
    /// How it ended in the new program.
    pub new: RehearsedEnding,
    /// How long the evaluations took.
    pub took: [Duration; 2],
    /// The outputs that only the old program has.
    pub missing_outputs: Vec<LoggedOutput>,
    /// The outputs that only the new program has.
    pub added_outputs: Vec<LoggedOutput>,
    /// The answers of the programs to the query 0 after the event, as seeds, if they differ.
    pub answers: Option<[Option<Vec<u8>>; 2]>,
}

/// How an event of a rehearsal ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RehearsedEnding {
    /// The cog returned a value.
    Succeeded,
    /// The cog crashed, as described here.
    Crashed(String),
    /// The event exceeded a limit.
    Aborted(AbortReason),
    /// The cog has finished: it asks for no worker, and takes no events.
    Finished,
    /// It was not evaluated, for this reason.
    NotApplied(String),
}

impl RehearsedEvent {
    /// Whether the new program failed where the old one did not.
    pub fn is_worse(&self) -> bool {
        let fails = |ending: &RehearsedEnding| {
            matches!(
                ending,
                RehearsedEnding::Crashed(_)
                    | RehearsedEnding::Aborted(_)
                    | RehearsedEnding::Finished
            )
        };
        fails(&self.new) && !fails(&self.old)
    }

    /// Whether outputs or answers differ.
    pub fn is_different(&self) -> bool {
        !self.missing_outputs.is_empty() || !self.added_outputs.is_empty() || self.answers.is_some()
    }
}

impl RehearsalReport {
    /// Whether nothing got worse: both upgrades succeed, and no event fails that did not fail
    /// before.
    pub fn is_clean(&self) -> bool {
        self.upgrade.is_ok()
            && self.upgrade_now.is_ok()
            && !self.events.iter().any(RehearsedEvent::is_worse)
    }
}

impl MachineHistory {
    /// Rehearses an upgrade on the last `count` events, or as many as can be replayed.
    ///
    /// # Errors
    /// The old program cannot be replayed: see [`StartError`].
    pub fn rehearse(
        &self,
        program: &UpgradeProgram,
        count: u64,
    ) -> Result<RehearsalReport, StartError> {
        let to = self.last();
        let from = to.saturating_sub(count).max(self.first_state());
        let mut old = self.cog_at(from)?;
        let mut new = self.cog_at(from)?;
        old.record_outputs();
        let upgrade = new.upgrade(program);
        let mut report = RehearsalReport {
            program: program.hash(),
            from,
            to,
            upgrade_now: upgrade.clone(),
            upgrade,
            workers: None,
            events: Vec::new(),
            heaps: [old.heap().used_bytes(), new.heap().used_bytes()],
        };
        let is_upgraded = report.upgrade.is_ok();
        if from < to {
            for record in self.store.records(Seq(from).next(), Seq(to))? {
                let record = record?;
                let event = self.decode(&record)?;
                let applied =
                    replay::replay_event(&mut old, &self.store, &record, &mut Vec::new())?;
                if is_upgraded {
                    let rehearsed =
                        rehearse_event(record.seq.0, event, applied, (&mut old, &mut new));
                    let rehearsed = rehearsed.map_err(|stop| self.failed(&stop))?;
                    report.events.push(rehearsed);
                    let used = [old.heap().used_bytes(), new.heap().used_bytes()];
                    report.heaps = [0, 1].map(|index| used[index].max(report.heaps[index]));
                }
            }
        }
        drop(new);
        let slots = worker_slots(&old);
        report.upgrade_now = old.upgrade(program);
        if report.upgrade_now.is_ok() {
            report.workers = Some(compare_workers(&slots, &old));
        }
        Ok(report)
    }
}

/// Gives the new program the inputs of an event that the old one has replayed.
fn rehearse_event(
    number: u64,
    event: EventRecord,
    replayed: AppliedEvent,
    (old, new): (&mut Cog, &mut Cog),
) -> Result<RehearsedEvent, EvalError> {
    let old_ending = match &replayed.outcome {
        EventOutcome::Succeeded => RehearsedEnding::Succeeded,
        EventOutcome::Crashed { .. } => RehearsedEnding::Crashed("as the log says".into()),
        EventOutcome::TimedOut(_) => RehearsedEnding::Aborted(AbortReason::Time),
        EventOutcome::Aborted(_) => RehearsedEnding::Aborted(AbortReason::Memory),
        EventOutcome::Retried | EventOutcome::Upgraded(_) | EventOutcome::RolledBack { .. } => {
            RehearsedEnding::NotApplied("it has no inputs".into())
        }
    };
    let inputs = event.inputs.len();
    let (new_ending, outputs, took) = if inputs == 0 {
        (RehearsedEnding::NotApplied("it has no inputs".into()), Vec::new(), Duration::ZERO)
    } else {
        apply(new, &event.inputs)
    };
    let (old_outputs, new_outputs) =
        (logged_outputs(old, replayed.outputs)?, logged_outputs(new, outputs)?);
    let query = old.zero();
    let answers = [old, new].map(|cog| cog.read(&query).ok().map(|answer| answer.0));
    let (missing, added) = differences(old_outputs, new_outputs);
    Ok(RehearsedEvent {
        event: number,
        inputs,
        old: old_ending,
        new: new_ending,
        took: [replayed.took, took],
        missing_outputs: missing,
        added_outputs: added,
        answers: (answers[0] != answers[1]).then_some(answers),
    })
}

/// Applies an event to the new program. After a failure the state is the one before it.
fn apply(cog: &mut Cog, inputs: &[EventInput]) -> (RehearsedEnding, Vec<CogOutput>, Duration) {
    let none = |ending| (ending, Vec::new(), Duration::ZERO);
    let is_known =
        |input: &EventInput| !matches!(input.payload, InputPayload::JobResultHash(_, None));
    if !inputs.iter().all(is_known) {
        let reason = "the log does not have the result of a job that is among its inputs";
        return none(RehearsedEnding::NotApplied(reason.into()));
    }
    let applied = cog.apply(inputs);
    let reports = cog.take_messages();
    match applied {
        Ok(AppliedEvent { outcome: EventOutcome::Crashed { .. }, took, .. }) => {
            let text = reports.iter().rev().find_map(|report| match report {
                ConsoleMessage::Text(text) => Some(text.trim_end().to_owned()),
                ConsoleMessage::Notice(_) | ConsoleMessage::NoticeWithCalls(..) => None,
            });
            // The next event is tried on the state before this one.
            let _ = cog.retry();
            (RehearsedEnding::Crashed(text.unwrap_or_default()), Vec::new(), took)
        }
        Ok(AppliedEvent { outputs, took, .. }) => (RehearsedEnding::Succeeded, outputs, took),
        Err(CogError::Aborted(abort)) => none(RehearsedEnding::Aborted(abort.reason)),
        Err(CogError::NotRunning) => none(RehearsedEnding::Finished),
        Err(CogError::Damaged(stop)) => none(RehearsedEnding::Crashed(stop.to_string())),
        Err(error) => none(RehearsedEnding::NotApplied(format!("{error:?}"))),
    }
}

/// The outputs that only the old program has, and those that only the new one has. Their order counts
/// among the outputs to one driver: if only it differs, all outputs to this driver do.
fn differences(
    old: Vec<LoggedOutput>,
    new: Vec<LoggedOutput>,
) -> (Vec<LoggedOutput>, Vec<LoggedOutput>) {
    let mut drivers: BTreeMap<u64, [Vec<LoggedOutput>; 2]> = BTreeMap::new();
    for (index, outputs) in [old, new].into_iter().enumerate() {
        for output in outputs {
            drivers.entry(output.slot).or_default()[index].push(output);
        }
    }
    let (mut missing, mut added) = (Vec::new(), Vec::new());
    for [old, new] in drivers.into_values().filter(|[old, new]| old != new) {
        let mut only_new = new.clone();
        let mut only_old = Vec::new();
        for output in &old {
            match only_new.iter().position(|other| other == output) {
                Some(found) => drop(only_new.remove(found)),
                None => only_old.push(output.clone()),
            }
        }
        if only_old.is_empty() && only_new.is_empty() {
            missing.extend(old);
            added.extend(new);
        } else {
            missing.extend(only_old);
            added.extend(only_new);
        }
    }
    (missing, added)
}

/// The items of the row of workers. None where no worker is.
type WorkerSlots = Vec<Option<Val>>;

fn worker_slots(cog: &Cog) -> WorkerSlots {
    let heap = cog.heap();
    let slots = CogParts::of(heap.look(cog_of(cog.status()))).slots();
    slots.map(|slot| WorkerRef::of(slot).map(|_| heap.hold(slot))).collect()
}

/// Compares the workers before and after an upgrade.
fn compare_workers(before: &WorkerSlots, after: &Cog) -> WorkerComparison {
    let (slots, heap) = (worker_slots(after), after.heap());
    let mut comparison = WorkerComparison::default();
    for slot in 0..before.len().max(slots.len()) {
        let (old, new) = (before.get(slot), slots.get(slot));
        let (old, new) = (old.and_then(Option::as_ref), new.and_then(Option::as_ref));
        // A comparison that is interrupted or meets damage says that the worker does not stay.
        let is_kept = old
            .zip(new)
            .is_some_and(|(old, new)| heap.look(old).try_equal(heap.look(new)).unwrap_or(false));
        let slot = slot as u64;
        if is_kept {
            comparison.kept.push(slot);
            continue;
        }
        comparison.ended.extend(old.map(|_| slot));
        comparison.started.extend(new.map(|_| slot));
    }
    comparison
}
