//! Profiles by samples: of laws whose shares are known, interpreted and compiled; of allocation; of
//! evaluations that are suspended, deep, or fail.

use jit::CompileMode;
use profile::SampledProfile;
use profile::sampled::{ExecutionKind, LawShare, SampledResource};
use runtime::RuntimeBuilder;
use rustix::time::{ClockId, clock_gettime};
use sire::{EntryOutcome, ModuleLibrary, Sire, SireOptions, SireOutput};
use std::time::Duration;
use vm::{Progress, SamplingOptions, Vm};

/// `heavy` does three times the work of `light`. `both` gets them as values, so they are not inlined.
const PROGRAM: &str = "\
= (work n acc)
| seq acc
| if (isZero n) acc
| work (dec n) (mod (add (mul acc 31) n) 1000003)

= (heavy n) | add 1 | work (mul 3 n) 1

= (light n) | add 1 | work n 1

= (both fs n) | sum | map (f & f n) fs

= (build n acc) | if (isZero n) acc | build (dec n) [n acc]

= (bigRow n) | len | build 3000 [n]

= (manyRows n) | if (isZero n) 0 | add (bigRow n) (manyRows (dec n))

= (rows3 n) | add 1 | manyRows (mul 3 n)

= (rows1 n) | add 1 | manyRows n

= (allRows fs n) | sum | map (f & f n) fs

= (deep n) | if (isZero n) 0 | add 1 (deep (dec n))

= (failing n) | if (isZero n) (die 3) | add 1 (failing (dec n))
";

/// A session with the program.
fn session(mode: CompileMode) -> Sire {
    let runtime = RuntimeBuilder::new().compile(mode).build().expect("a runtime");
    let sink = || SireOutput::new(std::io::sink(), Default::default());
    let options = SireOptions {
        library: ModuleLibrary::new("../sire"),
        cache: None,
        output: sink(),
        diagnostics: sink(),
    };
    let mut sire = Sire::new(runtime.into(), options).expect("the heap is large enough");
    sire.load("prelude").expect("the library loads");
    sire.begin_interactive().expect("a session begins");
    assert_eq!(sire.enter(PROGRAM).expect("it can be shown"), EntryOutcome::Done);
    sire
}

fn enter(sire: &mut Sire, entry: &str) {
    assert_eq!(sire.enter_quietly(entry).expect("it can be shown"), EntryOutcome::Done);
}

/// The CPU time of this thread.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// The profile of an entry that is repeated until it has had enough CPU time for many samples.
fn time_profile(sire: &mut Sire, entry: &str) -> SampledProfile {
    sire.vm().start_sampling(SamplingOptions::default()).expect("there are timers");
    let start = cpu_time();
    while cpu_time() - start < Duration::from_millis(1500) {
        enter(sire, entry);
    }
    sire.finish_sampling().expect("a profile")
}

fn share<'p>(shares: &'p [LawShare<'p>], name: &str) -> &'p LawShare<'p> {
    let found = shares.iter().find(|share| share.law.name == name);
    found.unwrap_or_else(|| panic!("{name} is missing: {shares:?}"))
}

/// Checks what holds of every profile: own shares and those without a law add up to the total.
fn check_sums(profile: &SampledProfile) {
    let shares = profile.shares();
    let own: u64 = shares.iter().map(|share| share.own).sum();
    let without_law: u64 =
        profile.stacks.iter().filter(|it| it.frames.is_empty()).map(|it| it.weight).sum();
    assert_eq!(own + without_law + profile.unknown, profile.total());
    assert!(shares.iter().all(|share| share.own <= share.total));
    assert!(shares.iter().all(|share| share.by_kind.iter().sum::<u64>() == share.own));
    assert_eq!(profile.by_kind().iter().sum::<u64>() + profile.unknown, profile.total());
}

fn check_time_shares(mode: CompileMode, expected: ExecutionKind) {
    let mut sire = session(mode);
    enter(&mut sire, "(both [heavy light] 20000)");
    let profile = time_profile(&mut sire, "(both [heavy light] 20000)");
    assert_eq!(profile.resource, SampledResource::CpuTime);
    check_sums(&profile);
    assert_eq!(profile.unknown, 0);
    assert!(profile.samples() >= 50, "{} samples", profile.samples());
    let shares = profile.shares();
    let (heavy, light) = (share(&shares, "heavy").total, share(&shares, "light").total);
    assert!(heavy > light, "{heavy} and {light}");
    // Nearly everything is in the two.
    assert!(heavy + light > profile.total() / 10 * 8, "{shares:?}");
    let by_kind = profile.by_kind();
    let largest = (0..4).max_by_key(|index| by_kind[*index]).expect("there are kinds");
    assert_eq!(ExecutionKind::ALL[largest], expected, "{by_kind:?}");
    assert_eq!(share(&shares, "heavy").law.place.as_deref(), Some("REPL"));
}

#[test]
fn the_shares_of_interpreted_laws_are_right() {
    check_time_shares(CompileMode::Off, ExecutionKind::Interpreter);
}

#[test]
fn the_shares_of_compiled_laws_are_right() {
    check_time_shares(CompileMode::After(100), ExecutionKind::Compiled);
}

fn check_allocation_shares(mode: CompileMode) {
    let mut sire = session(mode);
    enter(&mut sire, "(allRows [rows3 rows1] 10)");
    let before = sire.vm().statistics().allocated;
    sire.vm().start_sampling(SamplingOptions::Allocation(4096)).expect("it needs no timer");
    enter(&mut sire, "(allRows [rows3 rows1] 100)");
    let profile = sire.finish_sampling().expect("a profile");
    let allocated = 8 * (sire.vm().statistics().allocated - before);
    assert_eq!(profile.resource, SampledResource::Allocation);
    check_sums(&profile);
    let sampled = profile.total() + profile.outside;
    assert!(sampled <= allocated && allocated - sampled < 1 << 20, "{sampled} of {allocated}");
    let shares = profile.shares();
    let (three, one) = (share(&shares, "rows3").total, share(&shares, "rows1").total);
    assert!(three > 2 * one && three < 4 * one, "{three} and {one}");
    // Later allocations are not sampled.
    enter(&mut sire, "(allRows [rows3 rows1] 10)");
    assert!(sire.finish_sampling().is_none());
}

#[test]
fn allocation_is_sampled_in_interpreted_laws() {
    check_allocation_shares(CompileMode::Off);
}

#[test]
fn allocation_is_sampled_in_compiled_laws() {
    check_allocation_shares(CompileMode::Eager);
}

#[test]
fn samples_of_suspended_evaluations_are_of_the_one_that_runs() {
    for mode in [CompileMode::Off, CompileMode::After(100)] {
        let mut sire = session(mode);
        let [heavy, light] =
            ["heavy", "light"].map(|name| sire.binding(name).expect("it is defined"));
        let vm = sire.vm();
        vm.start_sampling(SamplingOptions::default()).expect("there are timers");
        let start = cpu_time();
        while cpu_time() - start < Duration::from_millis(1000) {
            interleave(vm, [&heavy, &light]);
        }
        let profile = sire.finish_sampling().expect("a profile");
        check_sums(&profile);
        let shares = profile.shares();
        assert!(share(&shares, "heavy").total > share(&shares, "light").total);
        // No stack has frames of both.
        let number = |name: &str| profile.laws.iter().position(|law| law.name == name);
        let both = [number("heavy"), number("light")].map(|it| it.expect("it ran") as u32);
        let mixed = |frames: &[u32]| both.iter().all(|law| frames.contains(law));
        assert!(!profile.stacks.iter().any(|stack| mixed(&stack.frames)));
    }
}

/// Runs two calls in turns, to their ends.
fn interleave(vm: &mut Vm, functions: [&plan::Val; 2]) {
    vm.suspend_at_intervals(1000);
    let count = vm.nat(20_000);
    let mut running: Vec<_> = (functions.iter())
        .map(|function| vm.begin_call(function, std::slice::from_ref(&count)).expect("it begins"))
        .collect();
    while !running.is_empty() {
        let mut suspended = Vec::new();
        for evaluation in running {
            match vm.resume(evaluation) {
                Progress::Done(result) => drop(result.expect("it ends")),
                Progress::Suspended(evaluation) => suspended.push(evaluation),
            }
        }
        running = suspended;
    }
    vm.suspend_at_intervals(0);
}

#[test]
fn deep_and_failing_evaluations_do_no_harm() {
    for mode in [CompileMode::Off, CompileMode::Eager] {
        let mut sire = session(mode);
        sire.vm().start_sampling(SamplingOptions::default()).expect("there are timers");
        let start = cpu_time();
        while cpu_time() - start < Duration::from_millis(1000) {
            enter(&mut sire, "(deep 200000)");
            let failed = sire.enter_quietly("(failing 20000)").expect("it can be shown");
            assert_eq!(failed, EntryOutcome::Failed);
        }
        let profile = sire.finish_sampling().expect("a profile");
        check_sums(&profile);
        assert!(share(&profile.shares(), "deep").total > 0);
    }
}

#[test]
fn small_intervals_of_allocation_meet_every_kind_of_code() {
    let mut sire = session(CompileMode::Eager);
    sire.vm().start_sampling(SamplingOptions::Allocation(512)).expect("it needs no timer");
    for entry in [
        "(both [heavy light] 200)",
        "(allRows [rows3 rows1] 3)",
        "(deep 3000)",
        "(sort [3 1 2])",
        "(showNat 55)",
    ] {
        enter(&mut sire, entry);
    }
    let profile = sire.finish_sampling().expect("a profile");
    check_sums(&profile);
    assert!(profile.samples() > 1000, "{} samples", profile.samples());
}

#[test]
fn one_runtime_of_a_thread_samples_time() {
    let runtime = || Vm::from(RuntimeBuilder::new().build().expect("a runtime"));
    let (mut first, mut second) = (runtime(), runtime());
    assert!(first.stop_sampling().is_none());
    first.start_sampling(SamplingOptions::default()).expect("there are timers");
    assert!(second.start_sampling(SamplingOptions::default()).is_err());
    assert!(first.is_sampling() && !second.is_sampling());
    second.start_sampling(SamplingOptions::Allocation(4096)).expect("it needs no timer");
    // A second profile replaces the first.
    first.start_sampling(SamplingOptions::default()).expect("the first has ended");
    drop(first);
    second.start_sampling(SamplingOptions::default()).expect("the other runtime is gone");
    let samples = second.stop_sampling().expect("a profile");
    assert_eq!(samples.resolve(&second, |_, _| None).total(), 0);
}

#[test]
fn the_machine_code_of_a_law_does_not_depend_on_a_profile() {
    let code = |sampling: Option<SamplingOptions>| {
        let mut sire = session(CompileMode::Off);
        if let Some(options) = sampling {
            sire.vm().start_sampling(options).expect("there are timers");
        }
        ["work", "both", "build", "manyRows", "deep"].map(|name| {
            let law = sire.binding(name).expect("it is defined");
            let report = jit::explain(sire.vm(), &law).expect("it can be compiled");
            let functions = report.functions.into_iter();
            functions.map(|function| function.text).collect::<Vec<_>>()
        })
    };
    let plain = code(None);
    assert!(plain.iter().all(|functions| functions.iter().any(|text| !text.is_empty())));
    for options in [SamplingOptions::default(), SamplingOptions::Allocation(4096)] {
        assert_eq!(code(Some(options)), plain, "{options:?}");
    }
}
