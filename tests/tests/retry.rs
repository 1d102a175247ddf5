//! `pallas start --retry`: a machine whose cog crashed continues from the state before.

use tests::{Pallas, stderr, stdout};

/// A cog that crashes at its third event. Its driver shows the state, and then causes an event.
const PROGRAM: &str = "\
#### crashing <- prelude

:| prelude

= (cog state reads workers inputs)
| if (eql state 2) (die {third})
| [(cog (inc state) reads workers) [[0 1 0]]]

= (reads state key query) state

= (driver requests key answer)
| ifz key
    | trk [{state} answer]
    | driver [[1 [0 %write 0]]]
| driver [[0 [0 %read 0]]]

main=(cog 0 reads [[1 (driver [[0 [0 %read 0]]])]])
";

/// What `du` says of the inputs that are set aside: a line for each.
fn set_aside(pallas: &Pallas, store: &str) -> Vec<String> {
    let text = stdout(&pallas.run(["du", store], ""));
    let lines = text.lines().skip_while(|line| !line.starts_with("set aside: inputs"));
    lines.skip(1).map(str::to_owned).collect()
}

#[test]
fn a_machine_whose_cog_crashed_continues_from_the_state_before_it() {
    let pallas = Pallas::new();
    pallas.write("sire/crashing.sire", PROGRAM);
    let succeed = |args: &[&str]| {
        let output = pallas.run(args, "");
        assert!(output.status.success(), "{args:?}: {}", stderr(&output));
    };
    succeed(&["boot", "store", "crashing"]);
    // The third event is the one after state 2.
    let first = pallas.run(["start", "store"], "");
    assert_eq!(first.status.code(), Some(3));
    let text = stdout(&first);
    assert!(text.contains("%state 0]") && text.contains("%state 2]"), "{text}");
    assert!(stderr(&first).contains("`pallas start --retry store` continues"), "{first:?}");
    assert_eq!(set_aside(&pallas, "store"), [""; 0]);
    // Without the option it stays crashed.
    let again = pallas.run(["start", "store"], "");
    assert_eq!(again.status.code(), Some(3));
    assert!(!stdout(&again).contains("%state"), "{again:?}");
    succeed(&["export", "store", "file"]);

    for count in 1..=2 {
        let retried = pallas.run(["start", "--retry", "store"], "");
        assert_eq!(retried.status.code(), Some(3), "the driver causes the same event");
        let (text, notices) = (stdout(&retried), stderr(&retried));
        assert!(!text.contains("%state 1]") && text.contains("%state 2]"), "{text}");
        assert!(notices.contains("inputs of this event that were set aside: 1"), "{notices}");
        let inputs = set_aside(&pallas, "store");
        let is_described = |line: &String| {
            line.starts_with("  of driver 0, after event ")
                && line.ends_with(": the event with it crashed")
        };
        assert!(inputs.len() == count && inputs.iter().all(is_described), "{inputs:?}");
    }
    succeed(&["check", "store"]);
    let all = pallas.run(["start", "--replay-all", "store"], "");
    assert_eq!(all.status.code(), Some(3), "{}", stderr(&all));

    // An imported machine does not have the event that crashed.
    succeed(&["import", "file", "other"]);
    let retried = pallas.run(["start", "--retry", "other"], "");
    assert!(stderr(&retried).contains("its inputs are lost"), "{retried:?}");
    assert!(stdout(&retried).contains("%state 2]"), "{retried:?}");
    assert_eq!(set_aside(&pallas, "other"), [""; 0]);
}
