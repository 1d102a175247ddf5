//! [`SampledProfile`]: the laws in which CPU time was spent, or memory allocated, as far as samples
//! show it; and the three forms in which it is written.
//!
//! ```text
//! flame_graph  an SVG file
//! pprof        a file for `pprof` and the viewers that read its format
//! table        text: self and total per law
//! ```

mod flame_graph;
mod pprof;
mod table;

use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// The most different stacks of a profile that is merged from others.
const STACKS_MAX: usize = 1 << 17;

/// What a profile measures.
#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "kebab-case")]
pub enum SampledResource {
    /// CPU time of the evaluating thread, in nanoseconds.
    CpuTime,
    /// Memory that was allocated, in bytes.
    Allocation,
}

/// The part of the system that ran when a sample was taken.
#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[serde(rename_all = "kebab-case")]
pub enum ExecutionKind {
    /// The interpreter, and the operations of PLAN.
    Interpreter,
    /// Machine code of a law, and the runtime functions that it calls.
    Compiled,
    /// The native function of a jet, which is the innermost law of the stack.
    Jet,
    /// The collector.
    Collector,
}

impl ExecutionKind {
    /// All kinds, in the order of [`LawShare::by_kind`].
    pub const ALL: [ExecutionKind; 4] = [
        ExecutionKind::Interpreter,
        ExecutionKind::Compiled,
        ExecutionKind::Jet,
        ExecutionKind::Collector,
    ];

    /// The word for it in the table, and the label in `pprof` files.
    pub fn name(self) -> &'static str {
        match self {
            ExecutionKind::Interpreter => "interpreter",
            ExecutionKind::Compiled => "compiled",
            ExecutionKind::Jet => "jet",
            ExecutionKind::Collector => "collector",
        }
    }
}

/// A law in a profile.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Hash, Debug)]
pub struct SampledLaw {
    /// Its name. It may be empty, and several laws may have the same.
    pub name: String,
    /// Where it is defined, as `FILE:LINE`, if that is known.
    pub place: Option<String>,
}

/// Samples with the same stack.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
pub struct SampledStack {
    /// The laws whose calls were in progress, outermost first, as indices of
    /// [`SampledProfile::laws`]. Calls of a law by itself are one entry. It is empty if no law ran.
    pub frames: Vec<u32>,
    /// What ran.
    pub kind: ExecutionKind,
    /// Whether outer frames are missing, because the stack was deeper than a sample can be.
    pub is_truncated: bool,
    /// The amount of the resource, in its unit.
    pub weight: u64,
    /// The number of samples.
    pub samples: u64,
}

/// A profile that was sampled.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
pub struct SampledProfile {
    /// What is measured.
    pub resource: SampledResource,
    /// The laws that stacks refer to.
    pub laws: Vec<SampledLaw>,
    /// The stacks, each once.
    pub stacks: Vec<SampledStack>,
    /// The amount that was spent while no evaluation ran.
    pub outside: u64,
    /// The amount whose stack is not known: that of samples that were not kept, because there were too
    /// many different stacks, and of a short evaluation after its last sample.
    pub unknown: u64,
    /// How long the profile lasted, in nanoseconds.
    pub elapsed: u64,
}

/// The share of a law in a profile.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LawShare<'p> {
    /// The law.
    pub law: &'p SampledLaw,
    /// The amount while it was the innermost law.
    pub own: u64,
    /// The amount while a call of it was in progress.
    pub total: u64,
    /// [`LawShare::own`] by what ran, in the order of [`ExecutionKind::ALL`].
    pub by_kind: [u64; 4],
}

impl SampledProfile {
    /// The amount in all evaluations: that of all stacks, and the amount whose stack is not known.
    pub fn total(&self) -> u64 {
        self.unknown + self.stacks.iter().map(|stack| stack.weight).sum::<u64>()
    }

    /// The number of samples that were kept.
    pub fn samples(&self) -> u64 {
        self.stacks.iter().map(|stack| stack.samples).sum()
    }

    /// The amounts by what ran, in the order of [`ExecutionKind::ALL`].
    pub fn by_kind(&self) -> [u64; 4] {
        ExecutionKind::ALL.map(|kind| {
            let stacks = self.stacks.iter().filter(|stack| stack.kind == kind);
            stacks.map(|stack| stack.weight).sum()
        })
    }

    /// The shares of the laws, the largest own share first, then by total, name and place. Laws with
    /// the same name and place are one.
    pub fn shares(&self) -> Vec<LawShare<'_>> {
        let mut numbers: HashMap<&SampledLaw, usize> = HashMap::new();
        let mut shares: Vec<LawShare<'_>> = Vec::new();
        let share_of: Vec<usize> = self
            .laws
            .iter()
            .map(|law| {
                *numbers.entry(law).or_insert_with(|| {
                    shares.push(LawShare { law, own: 0, total: 0, by_kind: [0; 4] });
                    shares.len() - 1
                })
            })
            .collect();
        let mut seen = Vec::new();
        for stack in &self.stacks {
            seen.clear();
            for frame in &stack.frames {
                let Some(&number) = share_of.get(*frame as usize) else { continue };
                if !seen.contains(&number) {
                    seen.push(number);
                    shares[number].total += stack.weight;
                }
            }
            let innermost = stack.frames.last().and_then(|frame| share_of.get(*frame as usize));
            if let Some(&number) = innermost {
                shares[number].own += stack.weight;
                shares[number].by_kind[stack.kind as usize] += stack.weight;
            }
        }
        shares.retain(|share| share.total > 0);
        shares.sort_by(|a, b| {
            let amounts = (b.own, b.total).cmp(&(a.own, a.total));
            amounts.then_with(|| (&a.law.name, &a.law.place).cmp(&(&b.law.name, &b.law.place)))
        });
        shares
    }

    /// Adds the stacks of another profile of the same resource. Laws with the same name and place
    /// become one, and so do equal stacks.
    pub fn merge(&mut self, other: SampledProfile) {
        let laws = self.laws.iter().cloned().zip(0..);
        let mut numbers: HashMap<SampledLaw, u32> = laws.collect();
        let mut number = |law: SampledLaw| {
            *numbers.entry(law).or_insert_with_key(|law| {
                self.laws.push(law.clone());
                self.laws.len() as u32 - 1
            })
        };
        let renumbered: Vec<u32> = other.laws.into_iter().map(&mut number).collect();
        let key = |stack: &SampledStack| (stack.frames.clone(), stack.kind, stack.is_truncated);
        let mut known: HashMap<_, usize> = self.stacks.iter().map(key).zip(0..).collect();
        for mut stack in other.stacks {
            for frame in &mut stack.frames {
                *frame = renumbered.get(*frame as usize).copied().unwrap_or(u32::MAX);
            }
            match known.get(&key(&stack)) {
                Some(&index) => {
                    self.stacks[index].weight += stack.weight;
                    self.stacks[index].samples += stack.samples;
                }
                None if self.stacks.len() >= STACKS_MAX => self.unknown += stack.weight,
                None => {
                    known.insert(key(&stack), self.stacks.len());
                    self.stacks.push(stack);
                }
            }
        }
        self.outside += other.outside;
        self.unknown += other.unknown;
        self.elapsed = self.elapsed.max(other.elapsed);
    }

    /// The same profile with a frame around all its stacks, which names a part of the process.
    pub fn within(mut self, part: &str) -> SampledProfile {
        let frame = self.laws.len() as u32;
        self.laws.push(SampledLaw { name: part.to_owned(), place: None });
        self.stacks.iter_mut().for_each(|stack| stack.frames.insert(0, frame));
        self
    }

    /// The name under which a frame is shown.
    fn frame_name(&self, frame: u32) -> &str {
        match self.laws.get(frame as usize) {
            Some(law) if !law.name.is_empty() => &law.name,
            _ => "(a law without a name)",
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A profile of `main`, which calls `slow` and `quick`, and of a jet.
    pub(crate) fn example() -> SampledProfile {
        let law = |name: &str, place: Option<&str>| SampledLaw {
            name: name.to_owned(),
            place: place.map(str::to_owned),
        };
        let stack = |frames: &[u32], kind, weight, samples| SampledStack {
            frames: frames.to_vec(),
            kind,
            is_truncated: false,
            weight,
            samples,
        };
        SampledProfile {
            resource: SampledResource::CpuTime,
            laws: vec![
                law("main", Some("app.sire:3")),
                law("slow", Some("app.sire:7")),
                law("quick", None),
                law("mul", None),
            ],
            stacks: vec![
                stack(&[0], ExecutionKind::Interpreter, 4_000_000, 1),
                stack(&[0, 1], ExecutionKind::Compiled, 24_000_000, 6),
                stack(&[0, 2], ExecutionKind::Collector, 4_000_000, 1),
                stack(&[0, 1, 3], ExecutionKind::Jet, 8_000_000, 2),
            ],
            outside: 2_000_000,
            unknown: 0,
            elapsed: 50_000_000,
        }
    }

    #[test]
    fn shares_count_a_law_once_in_a_stack() {
        let mut profile = example();
        profile.stacks[3].frames = vec![0, 1, 0, 3];
        let shares = profile.shares();
        let find = |name: &str| shares.iter().find(|share| share.law.name == name).expect("a law");
        assert_eq!((find("main").own, find("main").total), (4_000_000, 40_000_000));
        assert_eq!((find("slow").own, find("slow").total), (24_000_000, 32_000_000));
        assert_eq!(find("mul").by_kind, [0, 0, 8_000_000, 0]);
        assert_eq!(shares[0].law.name, "slow");
        assert_eq!(shares.iter().map(|share| share.own).sum::<u64>(), profile.total());
        assert_eq!(profile.by_kind(), [4_000_000, 24_000_000, 8_000_000, 4_000_000]);
    }

    #[test]
    fn merged_profiles_share_laws_by_name_and_place() {
        let mut profile = example();
        profile.merge(example());
        assert_eq!((profile.laws.len(), profile.stacks.len(), profile.samples()), (4, 4, 20));
        let shares = profile.shares();
        assert_eq!((shares[0].own, shares[0].total), (48_000_000, 64_000_000));
        // Under another frame, the stacks are others.
        profile.merge(example().within("(jobs)"));
        assert_eq!((profile.laws.len(), profile.stacks.len()), (5, 8));
        let mut broken = example();
        broken.stacks[0].frames = vec![77];
        profile.merge(broken);
        assert_eq!((profile.stacks.len(), profile.total()), (9, 4 * example().total()));
        assert_eq!((profile.outside, profile.elapsed), (8_000_000, 50_000_000));
    }

    #[test]
    fn a_profile_survives_json_and_indices_out_of_range_do_no_harm() {
        let mut profile = example();
        let text = serde_json::to_string(&profile).expect("JSON");
        assert_eq!(serde_json::from_str::<SampledProfile>(&text).expect("JSON"), profile);
        profile.stacks[0].frames = vec![77];
        assert_eq!(profile.shares().len(), 4);
        assert!(profile.flame_graph("title").is_ok() && !profile.table(10).is_empty());
        assert!(!profile.pprof().is_empty());
    }
}
