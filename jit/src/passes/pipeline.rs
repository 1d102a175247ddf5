//! The list of passes and the order in which [`optimise`] runs them.

use super::simplify::{SimplifyOptions, simplify};
use super::{
    attempt, captures, deforest, delayed_arguments, evaluated_results, fill, first_turn, float_in,
    fuse, gather, generate, induction, literal_captures, look_ups, loops, narrow, normal,
    pass_items, peel, read_first, records, results, rotate, small_nats, specialise, sweep, unpack,
    worker_wrapper,
};
use crate::ir::Unit;
use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

macro_rules! passes {
    ($($name:ident $text:literal $run:expr;)*) => {
        /// A pass. The module's overview says what each does.
        #[expect(missing_docs, reason = "the module's overview documents the passes")]
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum Pass {
            $($name,)*
        }

        impl Pass {
            /// All passes, each once.
            pub const ALL: &'static [Pass] = &[$(Pass::$name),*];

            /// The name in file tests and in `PALLAS_JIT_WITHOUT`.
            pub fn name(self) -> &'static str {
                match self { $(Pass::$name => $text),* }
            }

            /// Transforms a unit.
            pub fn run(self, unit: &mut Unit) {
                let run: fn(&mut Unit) = match self { $(Pass::$name => $run),* };
                run(unit);
            }
        }
    };
}

passes! {
    Simplify "simplify" |unit| simplify(unit, SimplifyOptions::default());
    Inline "inline" |unit| simplify(unit, SimplifyOptions { inline: true, ..Default::default() });
    IntoLoops "into_loops" |unit| {
        simplify(unit, SimplifyOptions { inline: true, into_loops: true, ..Default::default() });
    };
    Strict "strict" |unit| simplify(unit, SimplifyOptions { strict: true, ..Default::default() });
    Eager "eager" |unit| simplify(unit, SimplifyOptions { eager: true, ..Default::default() });
    Speculate "speculate"
        |unit| simplify(unit, SimplifyOptions { speculate: true, ..Default::default() });
    Version "version"
        |unit| simplify(unit, SimplifyOptions { version: true, ..Default::default() });
    Share "share" generate::share;
    Generate "generate" generate::generate;
    Fuse "fuse" fuse::fuse;
    PassItems "pass_items" pass_items::pass_items;
    Deforest "deforest" deforest::deforest;
    Worker "worker" |unit| {
        worker_wrapper::split(unit);
        evaluated_results::evaluate_results(unit);
    };
    Normal "normal" normal::make_normal;
    Record "record" |unit| {
        if records::add_versions(unit) {
            simplify(unit, SimplifyOptions::default());
            sweep::sweep(unit);
        }
    };
    Rotate "rotate" |unit| {
        if rotate::rotate(unit) {
            // A thunk that reads an item of the state would keep the row.
            simplify(unit, SimplifyOptions { inline: true, eager: true, ..Default::default() });
            sweep::sweep(unit);
            results::return_items(unit);
        }
    };
    Unpack "unpack" unpack::unpack;
    Specialise "specialise" specialise::specialise;
    Results "results" results::return_items;
    Turn "turn" first_turn::split_first_turns;
    Narrow "narrow" narrow::narrow;
    Induction "induction" induction::evaluate_cheap_thunks;
    Small "small" small_nats::add_variants;
    Captures "captures" |unit| {
        literal_captures::build_in_literals(unit);
        captures::capture_items(unit);
        literal_captures::merge_equal_thunks(unit);
    };
    Arguments "arguments" delayed_arguments::capture_arguments;
    LookUps "look_ups" look_ups::capture_look_ups;
    Peel "peel" peel::peel;
    Fill "fill" fill::fill;
    Float "float" float_in::float_in;
    Gather "gather" gather::gather;
    ReadFirst "read_first" read_first::read_first;
    Loop "loop" loops::jump_instead_of_calling;
    Attempt "attempt" attempt::attempt;
    Sweep "sweep" sweep::sweep;
}

/// The passes in the order in which [`optimise`] runs them.
pub const PIPELINE: &[Pass] = &[
    Pass::Simplify,
    Pass::Share,
    Pass::Inline,
    Pass::Specialise,
    Pass::Share,
    Pass::Inline,
    Pass::Specialise,
    Pass::Generate,
    Pass::Float,
    Pass::Strict,
    Pass::Worker,
    Pass::Inline,
    Pass::Generate,
    Pass::Sweep,
    Pass::Version,
    Pass::Normal,
    Pass::Rotate,
    Pass::Captures,
    Pass::Unpack,
    Pass::Strict,
    Pass::Worker,
    Pass::IntoLoops,
    Pass::Induction,
    Pass::Eager,
    Pass::PassItems,
    Pass::Captures,
    Pass::Deforest,
    Pass::Fuse,
    Pass::Float,
    Pass::Strict,
    Pass::Worker,
    Pass::Inline,
    Pass::Record,
    Pass::Rotate,
    Pass::Captures,
    Pass::Unpack,
    Pass::Results,
    Pass::Strict,
    Pass::Worker,
    Pass::Strict,
    Pass::Worker,
    Pass::IntoLoops,
    Pass::Narrow,
    Pass::Turn,
    Pass::Narrow,
    Pass::Arguments,
    Pass::LookUps,
    Pass::Captures,
    Pass::Speculate,
    Pass::Gather,
    Pass::Small,
    Pass::Peel,
    Pass::Inline,
    Pass::Fill,
    Pass::Loop,
    Pass::Simplify,
    Pass::Narrow,
    Pass::Simplify,
    Pass::Float,
    Pass::Attempt,
    Pass::Gather,
    Pass::ReadFirst,
    Pass::Sweep,
];

/// Runs the pipeline except for the passes in `without`. Calls `after` with the unit after each
/// pass.
pub fn optimise(unit: &mut Unit, without: &[Pass], mut after: impl FnMut(Pass, &Unit)) {
    for &pass in PIPELINE.iter().filter(|pass| !without.contains(pass)) {
        pass.run(unit);
        after(pass, unit);
    }
}

impl Display for Pass {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The error for a name that is not that of a pass; the message lists the names.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("there is no pass `{name}`; the names are {names}")]
pub struct UnknownPass {
    name: String,
    names: String,
}

impl UnknownPass {
    // Inlined into `from_str`, it made LLVM (22.1) take three minutes for that function: the pass
    // "constraint elimination" combines the comparisons with each name and the lengths that are joined.
    #[cold]
    #[inline(never)]
    fn new(name: &str) -> UnknownPass {
        let names: Vec<_> = Pass::ALL.iter().map(|pass| pass.name()).collect();
        UnknownPass { name: name.to_owned(), names: names.join(", ") }
    }
}

impl FromStr for Pass {
    type Err = UnknownPass;

    fn from_str(name: &str) -> Result<Pass, UnknownPass> {
        let pass = Pass::ALL.iter().copied().find(|pass| pass.name() == name);
        pass.ok_or_else(|| UnknownPass::new(name))
    }
}

/// An entry of `PALLAS_JIT_WITHOUT`: a part of the optimiser to leave out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OmittedPart {
    /// `all`: the unit is compiled as it was built.
    All,
    /// `expect`: the entry is not guarded for the arguments that the law was seen with.
    EntryGuards,
    /// A pass, by its name.
    Pass(Pass),
}

impl OmittedPart {
    /// The pass to leave out, if the omission is one pass.
    pub fn pass(self) -> Option<Pass> {
        match self {
            OmittedPart::Pass(pass) => Some(pass),
            _ => None,
        }
    }
}

impl FromStr for OmittedPart {
    type Err = UnknownPass;

    fn from_str(name: &str) -> Result<OmittedPart, UnknownPass> {
        match name {
            "all" => Ok(OmittedPart::All),
            "expect" => Ok(OmittedPart::EntryGuards),
            _ => match name.parse() {
                Ok(pass) => Ok(OmittedPart::Pass(pass)),
                Err(UnknownPass { name, names }) => {
                    Err(UnknownPass { name, names: format!("{names}, expect, all") })
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{OmittedPart, PIPELINE, Pass};

    #[test]
    fn names_parse_to_their_passes_and_every_pass_runs() {
        for pass in Pass::ALL {
            assert_eq!(pass.name().parse(), Ok(*pass));
            assert_eq!(pass.name().parse(), Ok(OmittedPart::Pass(*pass)));
            assert!(PIPELINE.contains(pass), "{pass} is not in the pipeline");
        }
        assert_eq!("all".parse(), Ok(OmittedPart::All));
        assert_eq!("expect".parse(), Ok(OmittedPart::EntryGuards));
    }

    #[test]
    fn an_unknown_pass_is_an_error_that_lists_the_names() {
        let error = "guess".parse::<OmittedPart>().expect_err("there is no such pass").to_string();
        assert_eq!(
            error,
            "there is no pass `guess`; the names are simplify, inline, into_loops, strict, eager, speculate, version, \
             share, generate, fuse, pass_items, deforest, worker, normal, record, rotate, unpack, specialise, results, turn, narrow, induction, small, captures, arguments, look_ups, peel, fill, float, gather, read_first, loop, attempt, sweep, expect, all"
        );
    }
}
