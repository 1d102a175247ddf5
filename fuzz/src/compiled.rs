//! Compiled code does what the specification and the interpreter say.
//!
//! A program may use laws of our library, all of which have jets where jets exist; in it they are
//! *stand-ins*, pins of a number, so that a program is small, can be shrunk and be read. The
//! specification gets the laws themselves, as far as they are small. Where it gives up, the
//! interpreter is what compiled code is compared with.
//!
//! Runtimes are used for many programs, since making one costs more than running most of them. What
//! is found is tried again in new ones, and shrunk there. If nothing is found there, the programs
//! are told that the runtime had run before.

mod known;

use self::known::{LIBRARY, TABLE, expanded, law_of, readable, stand_ins};
use crate::bounds::{TimeLimit, small_vm_with};
use crate::ends::{End, found, specified};
use crate::terms::{below, expression};
use arbitrary::Unstructured;
use jit::build::Jets;
use jit::{Mode, install};
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use vm::spec::generate::{Gen, Known};
use vm::spec::shrink::minimise;
use vm::spec::{Limits, Term};
use vm::{Stop, Val, Vm, plain, seed};

/// What the specification may spend on a program. To load laws of the library costs it much.
const LIMITS: Limits = Limits { fuel: 30_000, depth: 800 };

/// What an evaluation may take that is known to end.
const PATIENCE: Duration = Duration::from_secs(20);

/// What it may take if that is not known.
const GLANCE: Duration = Duration::from_millis(10);

/// Who carries out a program.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Setting {
    /// When laws are compiled.
    mode: Mode,
    /// Whether there is a collection at every allocation.
    stress: bool,
}

impl Setting {
    const INTERPRETER: Setting = Setting { mode: Mode::Off, stress: false };

    /// Those that programs are tried with. A law that becomes hot while it runs has frames of both
    /// kinds.
    const COMPILERS: [Setting; 5] = [
        Setting { mode: Mode::Eager, stress: false },
        Setting { mode: Mode::After(3), stress: false },
        Setting { mode: Mode::After(2), stress: false },
        Setting { mode: Mode::Eager, stress: true },
        Setting { mode: Mode::After(2), stress: true },
    ];

    /// How many programs a runtime is used for. What a library's law is compiled to stays, and slows
    /// collections down.
    fn programs(self) -> usize {
        if self.stress { 10 } else { 100 }
    }
}

/// A runtime, and what it has been used for.
struct Runtime {
    vm: Vm,
    /// The laws of the library that have been needed, by their number.
    laws: HashMap<usize, Val>,
    programs: Vec<Term>,
}

impl Runtime {
    fn new(setting: Setting) -> Runtime {
        let mut vm = small_vm_with(Arc::clone(&TABLE), setting.stress, 1 << 22);
        install(&mut vm, Jets::of(Arc::new(known::table())), setting.mode)
            .expect("the machine is known");
        Runtime { vm, laws: HashMap::new(), programs: Vec::new() }
    }

    /// How a program ends.
    fn end(&mut self, program: &Term, patience: Duration) -> End {
        self.programs.push(program.clone());
        let limit = TimeLimit::start(&self.vm, patience);
        let result = self.value(program);
        drop(limit);
        let end = found(&self.vm, result);
        self.vm.interrupt_flag().store(false, Ordering::Relaxed);
        end
    }

    fn value(&mut self, program: &Term) -> Result<Val, Stop> {
        for number in stand_ins(program) {
            if !self.laws.contains_key(&number) {
                let law = seed::load(&mut self.vm, &LIBRARY[number].seed);
                let law = law.map_err(|error| match error.problem {
                    seed::LoadProblem::Stop(stop) => stop,
                    problem => unreachable!("a seed that was saved does not load: {problem}"),
                })?;
                self.laws.insert(number, law);
            }
        }
        let laws = &self.laws;
        let value_of = |term: &Term| law_of(term).and_then(|number| laws.get(&number));
        let value = plain::from_term_with(&mut self.vm, program, value_of)?;
        self.vm.force(&value)
    }

    /// Panics if the runtime cannot be used any more.
    fn check(&mut self) {
        let (three, argument) = (self.vm.nat(3), self.vm.nat(41));
        let sum = self.vm.apply(&three, &[argument]).expect("there is room again");
        assert_eq!(self.vm.look(&sum).as_u64(), Some(42));
    }
}

/// Runtimes that are in use.
#[derive(Default)]
struct Runtimes(HashMap<Setting, Runtime>);

impl Runtimes {
    fn get(&mut self, setting: Setting) -> &mut Runtime {
        self.0.retain(|setting, runtime| runtime.programs.len() < setting.programs());
        self.0.entry(setting).or_insert_with(|| Runtime::new(setting))
    }

    /// Where a program's ends contradict each other.
    fn contradiction(&mut self, program: &Term, setting: Setting) -> Option<String> {
        let uses_library = !stand_ins(program).is_empty();
        let right = expanded(program).map_or(End::Cut, |term| specified(&term, LIMITS));
        let interpreter = self.get(Setting::INTERPRETER);
        let patience = if right == End::Cut { GLANCE } else { PATIENCE };
        let interpreted = interpreter.end(program, patience);
        if !agree(&right, &interpreted, uses_library) {
            return Some(format!("specified {right:?}\n interpreted {interpreted:?}"));
        }
        let right = if right == End::Cut { interpreted } else { right };
        let patience = if right == End::Cut { GLANCE } else { PATIENCE };
        let runtime = self.get(setting);
        let compiled = runtime.end(program, patience);
        runtime.check();
        let agree = agree(&right, &compiled, uses_library);
        (!agree).then(|| format!("right {right:?}\n compiled, {setting:?}: {compiled:?}"))
    }
}

/// Whether a program may end in both ways. Jets may meet another crash than their laws, or notice
/// that their laws loop.
fn agree(right: &End, found: &End, with_jets: bool) -> bool {
    match (right, found) {
        (End::Cut, _) | (End::Large(None), End::Large(_)) | (End::Large(_), End::Large(None)) => {
            true
        }
        // What loops may be noticed as such, or only when the stack ends.
        (End::Loop, End::Loop | End::Cut) => true,
        (End::Crash(..) | End::Loop, End::Crash(..) | End::Loop | End::Cut) if with_jets => true,
        (right, found) => right == found,
    }
}

thread_local! {
    static RUNTIMES: RefCell<Runtimes> = RefCell::default();
}

/// Runs the program that the bytes spell.
///
/// # Panics
/// If its ends contradict each other, with the smallest program found of which that is so.
pub fn check(bytes: &[u8]) {
    let (setting, program) = spelled(bytes);
    RUNTIMES.with_borrow_mut(|runtimes| {
        let Some(found) = runtimes.contradiction(&program, setting) else { return };
        let again = |program: &Term| Runtimes::default().contradiction(program, setting);
        if again(&program).is_some() {
            let smallest = minimise(program, |smaller| again(smaller).is_some());
            let found = again(&smallest).unwrap_or(found);
            panic!("{}\n {}", readable(&smallest.to_string()), readable(&found));
        }
        let programs = &runtimes.get(setting).programs;
        let before: Vec<String> = programs.iter().map(|p| readable(&p.to_string())).collect();
        panic!("{}\n {}, after all of these", before.join("\n"), readable(&found));
    });
}

/// The program that bytes spell, and who is to carry it out.
fn spelled(bytes: &[u8]) -> (Setting, Term) {
    let mut bytes = Unstructured::new(bytes);
    let setting = Setting::COMPILERS[usize::from(below(&mut bytes, 5))];
    let known: Arc<[Known]> = Arc::clone(&known::KNOWN);
    let program = match below(&mut bytes, 8) {
        0 => expression(&mut bytes, 12),
        1 => {
            let size = 10 + usize::from(below(&mut bytes, 90));
            Gen::new(bytes.arbitrary().unwrap_or(0)).knowing(known).program(size)
        }
        choice => {
            let size = 10 + usize::from(below(&mut bytes, 120));
            let generator = Gen::spelled(bytes.take_rest());
            // Without the library, what is right is known exactly.
            let mut generator = if choice < 4 { generator } else { generator.knowing(known) };
            generator.program(size)
        }
    };
    (setting, program)
}
