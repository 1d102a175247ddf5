//! The prototype's own programs, each with the library of its branch: booted, driven by a client,
//! killed, started again, and replayed.
//!
//! | branch | program | what the client sees |
//! |---|---|---|
//! | `master` | `demo_pump_wait` | a list of times that grows to five and is pruned to one |
//! | | `demo_cog_notepad` | a note that it reads and changes |
//! | | `demo_cog_filepad` | one path that is known (the program stores no files yet) |
//! | | `proc_http_tests` | an answer without a status, because its reads give a text |
//! | | `test_tcp` | two drivers that talk to each other on port 12345 |
//! | `message-passing` | `demo_driver_wait` | as `demo_pump_wait` |
//! | | `demo_cog_driver` | `success` at the first start, `failure` later: its state has grown |
//! | | `demo_cog_notepad` | as above |
//! | | `driver_http_tests` | as `proc_http_tests`, and a request of the program to itself |
//! | `port-fulltag` | `demo_full_tag_site` | files, images that a job parses, searches |
//! | | `demo_driver_wait`, `demo_cog_driver` | as above |
//! | | `driver_http_tests` | the text `success` |
//! | | `demo_cog_notepad` | it does not load: the branch removed a name that it uses |
//!
//! The programs are not part of this tree: `PALLAS_REFERENCE` names a checkout of the prototype.
//! Without it, the tests are skipped. The expectations are read from the programs' sources.

mod http;
mod machine;
mod master;
mod message_passing;
mod port_fulltag;
mod shared;

use machine::BranchPrograms;

/// Runs `check` with the programs of a branch, or reports that the test is skipped.
fn with_branch(branch: &str, folders: &[&str], check: impl FnOnce(&BranchPrograms)) {
    let Some(reference) = tests::reference_checkout() else {
        return tests::report("prototype_programs: skipped, since PALLAS_REFERENCE is not set");
    };
    match BranchPrograms::extract(&reference, branch, folders) {
        Some(programs) => check(&programs),
        None => tests::report(&format!(
            "prototype_programs: skipped, since the reference has no branch {branch}"
        )),
    }
}

#[test]
fn master() {
    with_branch("master", &["sire"], |programs| {
        shared::a_list_of_times_grows_and_is_pruned(programs, "demo_pump_wait");
        // The program of this branch answers other paths than `/changed` with a value that ends the
        // cog.
        shared::a_note_is_read_and_changed(programs, &[]);
        master::filepad_knows_one_path(programs);
        master::an_answer_that_is_no_row_has_no_status(programs);
        master::two_drivers_talk_over_tcp(programs);
    });
}

#[test]
fn message_passing() {
    with_branch("message-passing", &["sire"], |programs| {
        shared::a_list_of_times_grows_and_is_pruned(programs, "demo_driver_wait");
        shared::reads_and_writes_have_the_order_of_the_driver(programs);
        shared::a_note_is_read_and_changed(programs, &["/other"]);
        message_passing::an_answer_that_is_no_row_has_no_status(programs);
    });
}

#[test]
fn port_fulltag() {
    with_branch("port-fulltag", &["sire", "testdata/fulltag/json"], |programs| {
        shared::a_list_of_times_grows_and_is_pruned(programs, "demo_driver_wait");
        shared::reads_and_writes_have_the_order_of_the_driver(programs);
        port_fulltag::a_server_answers_itself_and_others(programs);
        port_fulltag::images_are_learned_by_jobs_and_found(programs);
        port_fulltag::notepad_does_not_load(programs);
    });
}
