//! Tests of the command line's declarations.

use super::shared::memory_size;
use super::*;
use clap::CommandFactory;
use std::time::Duration;

#[test]
fn the_declarations_are_consistent() {
    CommandLine::command().debug_assert();
}

#[test]
fn sizes_are_numbers_with_a_unit() {
    assert_eq!(memory_size("4G"), Ok(4 << 30));
    assert_eq!(memory_size("1m"), Ok(1 << 20));
    assert_eq!(memory_size("2097152"), Ok(2 << 20));
    for bad in ["", "G", "4x", "-1M", "3K", "99999999999T", "4é"] {
        assert!(memory_size(bad).is_err(), "{bad}");
    }
}

#[test]
fn time_limits_are_durations_with_a_unit_or_none() {
    let limit = |text: &str| text.parse::<TimeLimit>().map(|limit| limit.0);
    assert_eq!(limit("30s"), Ok(Some(Duration::from_secs(30))));
    assert_eq!(limit("500ms"), Ok(Some(Duration::from_millis(500))));
    assert_eq!(limit("1h 30m"), Ok(Some(Duration::from_secs(5400))));
    assert_eq!(limit("none"), Ok(None));
    for bad in ["", "30", "s", "-1s", "0s", "never", "30 bananas", "99999999999999999999h"] {
        assert!(limit(bad).is_err(), "{bad}");
    }
    for text in ["500ms", "30s", "5m", "none"] {
        let limit = text.parse::<TimeLimit>().expect("a limit");
        assert_eq!(limit.to_string().parse(), Ok(limit));
    }
}

#[test]
fn command_lines_of_the_prototype_are_accepted() {
    for line in [
        "pallas sire",
        "pallas sire -d /tmp/x sire/prelude.sire",
        "pallas save out.seed sire/foo.sire",
        "pallas show out.seed",
        "pallas repl --save log out.seed",
        "pallas boot -S -w 4 --start /tmp/counter sire/demo_count_up.sire",
        "pallas start --replay-all --eval-workers 2 /tmp/counter",
        "pallas start -M /tmp/counter",
        "pallas start -f /tmp/counter",
        "pallas boot --law-fallback-warn /tmp/counter sire/demo_count_up.sire",
        "pallas sire -F sire/prelude.sire",
        "pallas repl --law-fallback-crash out.seed",
        "pallas sire --jet-mismatch-crash sire/prelude.sire",
        "pallas sire -p out.json sire/prelude.sire",
        "pallas save --profile-output out.json out.seed sire/foo.sire",
        "pallas boot -p out.json /tmp/counter sire/demo_count_up.sire",
        "pallas start -p out.json /tmp/counter",
    ] {
        let parsed = CommandLine::try_parse_from(line.split(' '));
        assert!(parsed.is_ok(), "{line}: {:?}", parsed.err());
    }
}
