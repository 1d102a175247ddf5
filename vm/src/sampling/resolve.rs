//! From the words of samples to laws.

use super::raw_stack::tag;
use super::sampler::Sampler;
use super::stack_table::TableEntry;
use crate::call_chain::law_name;
use crate::pool_id::PoolId;
use crate::vm::Vm;
use plan::raw::{Word, WordKind, pin};
use plan::{Ref, Shape};
use profile::SampledProfile;
use profile::sampled::{SampledLaw, SampledStack};
use std::collections::HashMap;

/// What the words of frames mean, as far as they have been looked up.
struct LawResolver<'v, P> {
    vm: &'v Vm,
    place: P,
    laws: Vec<SampledLaw>,
    /// The number of the law of a frame's word.
    by_frame: HashMap<u64, Option<u32>>,
    /// The number of a law's word.
    by_law: HashMap<u64, u32>,
    /// The number of a jet's name.
    by_jet: HashMap<u32, u32>,
    /// The pools of decoded laws by address.
    decoded: HashMap<u64, u32>,
}

impl Vm {
    /// The profile of the samples that were taken.
    pub(super) fn resolve_samples(
        &self,
        sampler: &Sampler<Vm>,
        elapsed: u64,
        place: impl FnMut(&str, Ref<'_>) -> Option<String>,
    ) -> SampledProfile {
        let table = sampler.table.borrow();
        let mut resolver = LawResolver {
            vm: self,
            place,
            laws: Vec::new(),
            by_frame: HashMap::new(),
            by_law: HashMap::new(),
            by_jet: HashMap::new(),
            decoded: self.evaluator.decoded_laws().map(|(at, pool)| (at as u64, pool)).collect(),
        };
        let stacks = table.entries().map(|entry| resolver.stack(&entry)).collect();
        SampledProfile {
            resource: sampler.resource,
            laws: resolver.laws,
            stacks,
            outside: sampler.outside.get(),
            unknown: table.dropped,
            elapsed,
        }
    }
}

impl<P: FnMut(&str, Ref<'_>) -> Option<String>> LawResolver<'_, P> {
    fn stack(&mut self, entry: &TableEntry<'_>) -> SampledStack {
        let frames = entry.frames.iter().rev().filter_map(|frame| self.frame(*frame));
        let mut frames: Vec<u32> = frames.collect();
        frames.dedup();
        SampledStack {
            frames,
            kind: entry.kind,
            is_truncated: entry.is_truncated,
            weight: entry.weight,
            samples: entry.samples,
        }
    }

    /// The law of a frame, if it is known.
    fn frame(&mut self, frame: u64) -> Option<u32> {
        if let Some(known) = self.by_frame.get(&frame) {
            return *known;
        }
        let word = frame & (u64::MAX >> 2);
        let law = match frame >> tag::SHIFT {
            tag::RETURN_ADDRESS => self.vm.law_of_code(word as usize),
            tag::DECODED_LAW => self.decoded.get(&word).and_then(|pool| self.vm.law_of_pool(*pool)),
            tag::POOL => u32::try_from(word).ok().and_then(|pool| self.vm.law_of_pool(pool)),
            _ => {
                let jet = Some(self.jet(word as u32));
                self.by_frame.insert(frame, jet);
                return jet;
            }
        };
        let number = law.and_then(|law| self.law(law));
        self.by_frame.insert(frame, number);
        number
    }

    /// The number of a law that is, itself or as its pin, a word.
    fn law(&mut self, function: Word) -> Option<u32> {
        let heap = &self.vm.heap;
        let law = match function.kind() {
            WordKind::Pin => heap.resolve(pin::item(heap, function)),
            _ => function,
        };
        if law.kind() != WordKind::Law {
            return None;
        }
        if let Some(number) = self.by_law.get(&law.raw()) {
            return Some(*number);
        }
        let view = Ref::new(law, heap);
        let Shape::Law(shape) = view.shape() else { return None };
        let name = law_name(&shape.name());
        let place = (self.place)(&name, view);
        let number = self.add(SampledLaw { name, place });
        self.by_law.insert(law.raw(), number);
        Some(number)
    }

    fn jet(&mut self, jet: u32) -> u32 {
        if let Some(number) = self.by_jet.get(&jet) {
            return *number;
        }
        let name = self.vm.jets.numbered().find(|(number, _)| *number == jet);
        let name = name.map_or(String::new(), |(_, jet)| jet.name.to_owned());
        let number = self.add(SampledLaw { name, place: None });
        self.by_jet.insert(jet, number);
        number
    }

    fn add(&mut self, law: SampledLaw) -> u32 {
        self.laws.push(law);
        self.laws.len() as u32 - 1
    }
}

impl Vm {
    /// The law whose decoded code has that pool, if the pool is live.
    fn law_of_pool(&self, pool: u32) -> Option<Word> {
        let law = self.evaluator.law_constant(pool)?;
        Some(self.heap.resolve(self.heap.host.pools.constant(PoolId(pool), law)))
    }

    /// The law, or its pin, whose compiled code continues at a return address.
    fn law_of_code(&self, address: usize) -> Option<Word> {
        let constant = self.heap.host.native.law_constant_at(address)?;
        Some(self.heap.resolve(self.heap.host.pools.word_at(constant)?))
    }
}
