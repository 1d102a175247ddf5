//! Code of laws that are gone makes room for other code.
//!
//! The counters are those of the whole process, so there is only one test.

use jit::{CompileMode, install, statistics};
use plan::{HeapOptions, Val, plain};
use spec::Term;
use vm::Vm;

/// `f n`: 0 for 0, else one more than `f` of the predecessor. Each name makes another law.
fn law(vm: &mut Vm, name: u64) -> Val {
    let text = format!("{{{name} 1 (0 (0 (0 2 (2 0)) (0 {{'g' 2 (0 3 (0 1 2))}} 0)) 1)}}");
    let term = Term::parse(&text).expect("a term");
    plain::from_term(vm, &term).expect("room")
}

fn count(vm: &mut Vm, law: &Val, to: u64) {
    let depth = vm.nat(to);
    let result = vm.apply(law, &[depth]).expect("a value");
    assert_eq!(vm.look(&result).as_u64(), Some(to));
}

#[test]
fn more_code_is_compiled_than_the_region_holds() {
    // The cache makes it fast to compile the same code for one law after another.
    let folder = tempfile::tempdir().expect("a folder");
    jit::set_cache_directory(folder.path());
    let options =
        HeapOptions { nursery: 1 << 16, max_heap: 1 << 28, max_stack: 1 << 24, stress: false };
    let mut vm = Vm::new(options, Default::default()).expect("a stack can be reserved");
    install(&mut vm, CompileMode::Eager).expect("the machine is known");

    // These laws stay alive, and so does their code.
    let kept: Vec<Val> = (1..20).map(|name| law(&mut vm, name)).collect();
    kept.iter().for_each(|law| count(&mut vm, law, 100));
    let few = statistics();
    assert_eq!(few.compiled + few.loaded, kept.len());
    let each = few.bytes / kept.len();

    let rounds = (80 << 20) / each;
    for round in 0..rounds {
        let law = law(&mut vm, 1000 + round as u64 % 50);
        count(&mut vm, &law, 10);
        if round % 500 == 0 {
            vm.collect();
            kept.iter().for_each(|law| count(&mut vm, law, 100));
        }
    }
    let last = statistics();
    assert_eq!(last.compiled + last.loaded, kept.len() + rounds, "none went without code");
    assert!(last.freed + 1000 > rounds, "{last:?}");
    assert!(last.bytes < few.bytes + 1000 * each, "{last:?}");

    // A thunk keeps its code alive, even if nothing else does.
    let mut thunks = Vec::new();
    for name in 0..50 {
        let pair = format!("{{{name} 1 (0 (0 {{0 3 0}} (0 3 (0 3 1))) (0 3 1))}}");
        let law = plain::from_term(&mut vm, &Term::parse(&pair).expect("a term")).expect("room");
        let seven = vm.nat(7);
        thunks.push(vm.apply(&law, &[seven]).expect("a row"));
    }
    vm.collect();
    (0..600).for_each(|round| {
        let law = law(&mut vm, 5000 + round);
        count(&mut vm, &law, 10);
    });
    for thunk in &thunks {
        let row = vm.force(thunk).expect("a value");
        let row = vm.look(&row).as_row().expect("a row");
        let items: Vec<_> = row.iter().map(|item| item.as_u64()).collect();
        assert_eq!(items, [Some(8), Some(9)]);
    }
}
