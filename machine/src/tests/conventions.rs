//! The conventions of a machine and its program: recognised or chosen at boot, part of the state.

use super::harness::TestMachine;
use super::programs::{cog, cycle, eval, exec, keep_inputs, read, when};
use super::terms::{self, PlanExpr, arg, call, law, nat, row};
use crate::conventions::ProgramConventions;
use crate::status::{CogStatus, MachineState};
use crate::trace::ConsoleMessage;
use crate::{BootOptions, JobResultForm, ReadArgumentOrder};
use persist::Seq;
use plan::{Hash, Val};
use runtime::RuntimeBuilder;
use vm::Vm;

fn small_heap() -> Vm {
    RuntimeBuilder::bare().heap(terms::options()).build().expect("a small heap").into()
}

/// All conventions, in the order of their nats.
fn all() -> [ProgramConventions; 4] {
    use JobResultForm::{Plain, Tagged};
    use ReadArgumentOrder::{SlotState, StateKey};
    let of = |read_arguments, job_results| ProgramConventions { job_results, read_arguments };
    [of(StateKey, Plain), of(StateKey, Tagged), of(SlotState, Plain), of(SlotState, Tagged)]
}

fn booted(program: &PlanExpr, conventions: ProgramConventions) -> TestMachine {
    let options = BootOptions {
        job_results: Some(conventions.job_results),
        read_arguments: Some(conventions.read_arguments),
    };
    TestMachine::boot_with(program, options)
}

#[test]
fn reads_are_called_with_the_arguments_that_were_chosen_at_boot() {
    let driver = exec(cycle(vec![when(), read()], &[1]));
    let reads = law(3, row([arg(1), arg(2), arg(3)]));
    let program = call(keep_inputs(), [nat(7), reads, row([nat(0), nat(0), driver])]);
    // The state is 7, the slot 2, the key 1 and the query 0.
    let shown = all().map(|conventions| {
        let machine = booted(&program, conventions);
        let shown = ["first start", "second start"].map(|_| {
            let run = machine.run(|messages| !messages.is_empty());
            let Some(ConsoleMessage::Text(text)) = run.messages.first() else { panic!("no text") };
            text.clone()
        });
        assert_eq!(shown[0], shown[1]);
        shown[0].clone()
    });
    assert_eq!(shown, ["[7 1 0]", "[7 1 0]", "[2 7 0]", "[2 7 0]"]);
}

fn state_hash(row: impl FnOnce(&mut Vm) -> Vec<Val>) -> Hash {
    let mut vm = small_heap();
    let row = row(&mut vm);
    let row = vm.row(&row).and_then(|row| vm.force(&row)).expect("room");
    vm.hash(&row).expect("room")
}

#[test]
fn a_state_with_the_first_conventions_is_the_row_of_earlier_versions() {
    let program = cog(keep_inputs(), nat(0), [eval(nat(3), [nat(41)])]);
    let plain = state_hash(|vm| vec![vm.nat(0), program.value(vm)]);
    assert_eq!(TestMachine::boot(&program).hash(), plain, "the default");
    assert_eq!(booted(&program, all()[0]).hash(), plain);
    for (conventions, bits) in all().into_iter().zip(0..).skip(1) {
        let with_conventions = state_hash(|vm| {
            let status = [vm.nat(0), program.value(vm)];
            vec![vm.nat(5), vm.nat(bits), vm.row(&status).expect("room")]
        });
        assert_eq!(booted(&program, conventions).hash(), with_conventions);
    }
}

#[test]
fn conventions_of_a_later_version_are_no_state() {
    for bits in [0, 4, 7, u64::MAX] {
        let disk = persist::sim::SimDisk::new();
        let settings = super::harness::store_settings();
        let store = persist::Store::create_on(std::sync::Arc::new(disk.clone()), settings);
        let store = store.expect("room");
        let mut vm = small_heap();
        let [running, cog, tag, bits_of_state] = [0, 9, 5, bits].map(|nat| vm.nat(nat));
        let status = vm.row(&[running, cog]).expect("room");
        let row = vm.row(&[tag, bits_of_state, status]).and_then(|row| vm.force(&row));
        let row = row.expect("room");
        let root = vm.freeze(&row, store.space()).expect("room");
        store.write_snapshot(&root, Seq::START).expect("room");
        store.close().expect("room");
        drop((root, row, vm));
        let error = TestMachine::on(disk).open().err().expect("it does not open").to_string();
        assert!(error.contains("is no machine's state"), "{bits}: {error}");
    }
}

#[test]
fn the_conventions_stay_in_every_status() {
    let mut vm = small_heap();
    let part = vm.nat(9);
    let statuses = [
        CogStatus::Running(part.clone()),
        CogStatus::Finished(part.clone()),
        CogStatus::Crashed { op: part.clone(), arg: part.clone(), cog: part },
    ];
    for status in statuses {
        for conventions in all() {
            let state = MachineState { status: status.clone(), conventions };
            let value = state.to_value(&mut vm).expect("room");
            let read = MachineState::of_value(&vm, &value).expect("a state");
            assert_eq!(read.conventions, conventions);
            let again = read.to_value(&mut vm).expect("room");
            assert_eq!(vm.hash(&again).expect("room"), vm.hash(&value).expect("room"));
        }
    }
}

/// The pin of a law with this name, whose value is 0, applied to arguments.
fn named_call(vm: &mut Vm, name: &str, arity: u64, args: &[Val]) -> Val {
    let (zero, arity, name) = (vm.nat(0), vm.nat(arity), vm.text(name).expect("room"));
    let law = vm.app(&zero, &[name, arity, zero.clone()]).expect("room");
    let law = vm.force(&law).expect("a law");
    let pin = vm.pin(&law).expect("room");
    let call = vm.app(&pin, args).expect("room");
    vm.force(&call).expect("it has too few arguments")
}

#[test]
fn the_kernels_of_the_prototype_are_recognised() {
    let mut vm = small_heap();
    let (zero, one) = (vm.nat(0), vm.nat(1));
    let table = vm.row(&[one]).expect("room");
    let workers = vm.row(std::slice::from_ref(&zero)).expect("room");
    let get = named_call(&mut vm, "_Get", 2, std::slice::from_ref(&table));
    let with = |vm: &mut Vm, name: &str, extra: usize, reads: &Val| {
        let mut args = vec![zero.clone(); extra];
        args.extend([zero.clone(), reads.clone(), workers.clone()]);
        let cog = named_call(vm, name, args.len() as u64 + 1, &args);
        ProgramConventions::of_cog(vm.look(&cog))
    };
    let [first, _, slot_state, slot_state_tagged] = all();
    // Branch port-fulltag: out, free slots, handlers, state, reads, workers.
    assert_eq!(with(&mut vm, "COG_KERNEL", 3, &get), slot_state_tagged);
    // Branch message-passing has no free slots.
    assert_eq!(with(&mut vm, "COG_KERNEL", 2, &get), slot_state);
    assert_eq!(with(&mut vm, "OTHER_KERNEL", 3, &get), slot_state);
    // The reads of master are any function.
    let other = named_call(&mut vm, "other", 2, &[table]);
    assert_eq!(with(&mut vm, "COG_KERNEL", 2, &other), first);
    assert_eq!(with(&mut vm, "COG_KERNEL", 3, &other), first);
    assert_eq!(with(&mut vm, "COG_KERNEL", 3, &zero), first);
    let not_a_row = named_call(&mut vm, "_Get", 2, std::slice::from_ref(&zero));
    assert_eq!(with(&mut vm, "COG_KERNEL", 3, &not_a_row), first);
}
