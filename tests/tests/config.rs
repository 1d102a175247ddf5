//! Settings: the files of the user and of the project, the environment and the command line, in this
//! order of priority; and `-q` and `-v`.

use serde_json::Value;
use std::process::Output;
use tests::{Pallas, run_with_input, stderr, stdout};

const USER_FILE: &str = "user-config/pallas/config.toml";

/// The value and the source of a setting, as `pallas config --json` shows them, with this variable.
fn setting(pallas: &Pallas, key: &str, variable: Option<(&str, &str)>) -> (String, String) {
    let mut command = pallas.command(["config", "--json"]);
    command.env_remove("PALLAS_JIT");
    if let Some((name, value)) = variable {
        command.env(name, value);
    }
    let output = run_with_input(command, "");
    assert!(output.status.success(), "{output:?}");
    let settings: Value = serde_json::from_str(&stdout(&output)).expect("it is JSON");
    let settings = settings.as_array().expect("an array");
    let found = settings.iter().find(|setting| setting["key"] == key).expect("it is listed");
    let text = |key: &str| found[key].as_str().expect("a text").to_owned();
    (text("value"), text("source"))
}

#[test]
fn the_nearest_place_has_priority_and_is_shown() {
    let pallas = Pallas::new();
    assert_eq!(setting(&pallas, "event-limit", None), ("30s".into(), "default".into()));
    let user = pallas.write(USER_FILE, "# mine\nevent-limit = \"40s\"\neval-workers = 3\n");
    let shown = (String::from("40s"), format!("{}:2", user.display()));
    assert_eq!(setting(&pallas, "event-limit", None), shown);
    let project = pallas.write(".pallas.toml", "event-limit = \"50s\"\n");
    let (value, source) = setting(&pallas, "event-limit", None);
    assert_eq!(value, "50s");
    assert!(source.ends_with(".pallas.toml:1") && project.exists(), "{source}");
    assert_eq!(setting(&pallas, "eval-workers", None).0, "3");
    let variable = ("PALLAS_EVENT_LIMIT", "60s");
    let shown = ("60s".into(), "environment: PALLAS_EVENT_LIMIT".into());
    assert_eq!(setting(&pallas, "event-limit", Some(variable)), shown);
    // The help shows the default in effect.
    let help = stdout(&pallas.run(["start", "--help"], ""));
    assert!(help.contains("[default: 50s]"), "{help}");
}

#[test]
fn a_file_of_a_project_counts_in_the_directories_below() {
    let pallas = Pallas::new();
    pallas.write(".pallas.toml", "keep = \"7\"\n");
    pallas.write("deep/er/file", "");
    let mut command = pallas.command(["config"]);
    command.current_dir(pallas.path("deep/er"));
    let text = stdout(&run_with_input(command, ""));
    assert!(text.contains("keep = \"7\" "), "{text}");
    assert!(text.contains("user-config/pallas/config.toml: absent\n"), "{text}");
}

#[test]
fn a_setting_has_an_effect_and_the_command_line_overrides_it() {
    let pallas = Pallas::new();
    pallas.write(".pallas.toml", "print-limit = 10\n");
    let text = "{a text of more than ten bytes}\n";
    let shown = stdout(&pallas.run(["sire"], text));
    assert!(!shown.contains("ten bytes"), "{shown}");
    let shown = stdout(&pallas.run(["sire", "--full"], text));
    assert!(shown.contains("ten bytes"), "{shown}");
}

#[test]
fn wrong_settings_are_reported_with_their_place() {
    let pallas = Pallas::new();
    let failed = |output: Output, part: &str| {
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(stderr(&output).contains(part), "{output:?}");
    };
    pallas.write(".pallas.toml", "keep = 3\nkeeep = 4\n");
    failed(pallas.run(["jets"], ""), ".pallas.toml:2: the key `keeep` is unknown; the keys are ");
    pallas.write(".pallas.toml", "cache = \"/tmp/elsewhere\"\n");
    failed(pallas.run(["jets"], ""), ".pallas.toml:1: the key `cache` can only be set by the user");
    // Help can be had all the same.
    assert!(pallas.run(["--help"], "").status.success());
    pallas.write(".pallas.toml", "");
    pallas.write(USER_FILE, "\n[machine]\n");
    failed(pallas.run(["config"], ""), "config.toml:2: the key `machine` is unknown");
    pallas.write(USER_FILE, "cache = \"somewhere\"\n");
    assert!(pallas.run(["config"], "").status.success());
    let mut command = pallas.command(["config"]);
    command.env("PALLAS_MAX_HEAP", "lots");
    failed(run_with_input(command, ""), "PALLAS_MAX_HEAP=lots: expected a number");
}

#[test]
fn quiet_and_verbose_mean_the_same_for_every_command() {
    let pallas = Pallas::new();
    pallas.write("a.sire", "#### a\n\n= x 1\n\n=?= 1 x\n\n= main x\n");
    // Off a terminal, definitions are printed, unless the command is to be quiet.
    let loud = pallas.run(["save", "a.seed", "./a.sire"], "");
    assert!(stdout(&loud).contains("main=1"), "{loud:?}");
    let fresh = Pallas::new();
    fresh.write("a.sire", "#### a\n\n= x 1\n\n= main x\n");
    let quiet = fresh.run(["save", "-q", "a.seed", "./a.sire"], "");
    assert_eq!((stdout(&quiet).as_str(), stderr(&quiet).as_str()), ("", ""));
    assert!(quiet.status.success() && fresh.path("a.seed").exists());
    let tested = pallas.run(["test", "--verbose"], "");
    assert_eq!(stdout(&tested), "a.sire: 1 passed\n1 passed, 0 failed\n");
    let created = pallas.run(["new", "shop", "--quiet"], "");
    assert!(created.status.success() && stdout(&created).is_empty(), "{created:?}");
    let both = pallas.run(["test", "-q", "-v"], "");
    assert_eq!(both.status.code(), Some(2), "{both:?}");
    pallas.write(".pallas.toml", "verbosity = \"verbose\"\n");
    assert!(stdout(&pallas.run(["test", "a.sire"], "")).starts_with("a.sire: 1 passed\n"));
    assert_eq!(stdout(&pallas.run(["-q", "test", "a.sire"], "")), "1 passed, 0 failed\n");
}

#[test]
fn the_log_says_what_the_libraries_do_if_it_is_asked_for() {
    let pallas = Pallas::new();
    assert!(pallas.run(["boot", "store", "demo_count_up"], "").status.success());
    let run = |filter: &str| {
        let mut command = pallas.command(["upgrade", "--force", "store", "demo_count_up"]);
        command.env("PALLAS_LOG", filter);
        stderr(&run_with_input(command, ""))
    };
    assert_eq!(run("off"), "");
    let text = run("info,persist=debug");
    for part in ["store opened", "log replayed", "group committed", "upgraded", "snapshot written"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!run("machine=info").contains("group committed"));
}
