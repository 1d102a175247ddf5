//! `pallas profile` and `pallas explain`: their output, files and messages.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use tests::{Pallas, WebConnection, WebMachine, stderr, stdout};

const MODULE: &str = "\
#### shares

:| prelude

= (work n acc)
| seq acc
| if (isZero n) acc
| work (dec n) (mod (add (mul acc 31) n) 1000003)

> Nat > Nat
= (heavy n) | add 1 | work (mul 3 n) 1

= (light n) | add 1 | work n 1

= pair | [heavy light]

= (both n)  | sum | map (f & f n) pair
";

fn with_module() -> Pallas {
    let pallas = Pallas::new();
    pallas.write("shares.sire", MODULE);
    pallas
}

/// Runs a command that succeeds, and returns its output.
fn output_of(pallas: &Pallas, args: &[&str]) -> String {
    let output = pallas.run(args, "");
    assert!(output.status.success(), "{args:?}: {}", stderr(&output));
    stdout(&output)
}

/// Runs a command that fails, and returns its message.
fn error_of(pallas: &Pallas, args: &[&str]) -> String {
    let output = pallas.run(args, "");
    assert_eq!(output.status.code(), Some(1), "{args:?}: {}", stdout(&output));
    stderr(&output)
}

/// The line of a law in a table.
fn line<'t>(table: &'t str, law: &str) -> Option<&'t str> {
    let of_law = |line: &&str| line.split_whitespace().any(|word| word == law);
    table.lines().skip_while(|line| !line.ends_with("  law")).find(of_law)
}

#[test]
fn a_profile_of_an_expression_is_a_table_a_flame_graph_and_a_pprof_file() {
    let pallas = with_module();
    let run = ["profile", "./shares.sire", "-e", "(both 20000)", "-s", "2"];
    let files = ["--flame-graph", "flame.svg", "--pprof", "out.pb"];
    let table = output_of(&pallas, &[&run[..], &files].concat());
    assert!(table.contains("of CPU time in evaluations"), "{table}");
    assert!(line(&table, "heavy").is_some_and(|line| line.contains("shares.sire:")), "{table}");
    let svg = fs::read_to_string(pallas.path("flame.svg")).expect("a flame graph");
    assert!(svg.contains("<svg") && svg.contains("heavy"));
    let pprof = fs::read(pallas.path("out.pb")).expect("a file");
    assert!(pprof.windows(5).any(|part| part == b"heavy"));
    // Interpreted, and with one row.
    let table = output_of(&pallas, &[&run[..], &["--no-jit", "--rows", "1"]].concat());
    assert!(table.contains("compiled 0.0%"), "{table}");
    assert!(table.contains(" more laws ..."), "{table}");
}

#[test]
fn a_profile_of_allocation_and_of_a_load() {
    let pallas = with_module();
    let args = ["profile", "./shares.sire", "--alloc", "-s", "1", "-e", "(len | gen 100000 inc)"];
    let table = output_of(&pallas, &args);
    assert!(table.contains(" MB allocated in evaluations"), "{table}");
    // Without an expression, the module is loaded with all that it imports.
    let table = output_of(&pallas, &["profile", "./shares.sire"]);
    assert!(table.contains("of CPU time in evaluations"), "{table}");
    assert!(table.contains("  law\n"), "{table}");
}

/// A function in a file for `perf inject`.
struct DumpedFunction {
    name: String,
    address: u64,
    number: u64,
    code: Vec<u8>,
}

/// Reads a file for `perf inject`, as the specification of Linux describes it.
fn read_jit_dump(bytes: &[u8], process: u32) -> Vec<DumpedFunction> {
    let u32_at = |at: usize| u32::from_ne_bytes(bytes[at..at + 4].try_into().expect("4 bytes"));
    let u64_at = |at: usize| u64::from_ne_bytes(bytes[at..at + 8].try_into().expect("8 bytes"));
    let (magic, version, processor) = (u32_at(0), u32_at(4), u32_at(12));
    assert_eq!((magic, version, u32_at(20)), (0x4a69_5444, 1, process));
    assert_eq!(processor, if cfg!(target_arch = "aarch64") { 183 } else { 62 });
    let (mut at, mut time) = (u32_at(8) as usize, u64_at(24));
    let mut functions = Vec::new();
    while at < bytes.len() {
        let (kind, end) = (u32_at(at), at + u32_at(at + 4) as usize);
        assert!(kind == 0 && u64_at(at + 8) >= time, "records are functions, in their order");
        time = u64_at(at + 8);
        assert_eq!(u32_at(at + 16), process);
        let [address, code_address, size, number] =
            [24, 32, 40, 48].map(|field| u64_at(at + field));
        assert_eq!(address, code_address);
        let name = &bytes[at + 56..end - size as usize];
        let name = name.strip_suffix(b"\0").expect("the name ends with a zero");
        functions.push(DumpedFunction {
            name: String::from_utf8(name.to_vec()).expect("text"),
            address,
            number,
            code: bytes[end - size as usize..end].to_vec(),
        });
        at = end;
    }
    functions
}

#[test]
fn compiled_code_is_written_for_perf_inject() {
    let pallas = with_module();
    let output =
        pallas.run(["profile", "./shares.sire", "-s", "1", "--jitdump", "-e", "(both 20000)"], "");
    assert!(output.status.success(), "{}", stderr(&output));
    let path = stderr(&output);
    let path = path.trim().strip_prefix("pallas: code for perf inject: ").expect("the path");
    let process = path.strip_prefix("/tmp/jit-").and_then(|rest| rest.strip_suffix(".dump"));
    let bytes = fs::read(path).expect("a file");
    fs::remove_file(path).expect("it is ours");
    let functions = read_jit_dump(&bytes, process.and_then(|it| it.parse().ok()).expect("a pid"));
    assert!(functions.iter().any(|function| function.name == "pallas:work"));
    assert!(functions.iter().any(|function| function.name.starts_with("pallas:stub")));
    let mut ends = Vec::new();
    for (index, DumpedFunction { address, number, code, .. }) in functions.iter().enumerate() {
        assert_eq!(*number, index as u64);
        assert!(!code.is_empty() && code.iter().any(|byte| *byte != 0));
        ends.push((*address, address + code.len() as u64));
    }
    ends.sort_unstable();
    assert!(ends.windows(2).all(|pair| pair[0].1 <= pair[1].0), "no two functions overlap");
}

#[test]
fn wrong_targets_of_profiles_are_reported() {
    let pallas = with_module();
    fs::create_dir(pallas.path("empty")).expect("a directory");
    assert!(error_of(&pallas, &["profile", "empty"]).contains("no machine runs"));
    let both = error_of(&pallas, &["profile", "empty", "-e", "3"]);
    assert!(both.contains("--eval takes a module"), "{both}");
    error_of(&pallas, &["profile", "nowhere"]);
    let unbound = error_of(&pallas, &["profile", "./shares.sire", "-e", "(nosuch 3)"]);
    assert!(unbound.contains("nosuch"), "{unbound}");
}

#[test]
fn a_running_machine_is_profiled_under_load() {
    let pallas = Pallas::new();
    pallas.write("sire/demo_notepad.sire", include_str!("../../sire/demo_notepad.sire"));
    let machine = WebMachine::boot(&pallas, "demo_notepad");
    let (port, is_over) = (machine.port, AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                let mut connection = WebConnection::open(port);
                let head = format!("GET / HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n");
                connection.send(head.as_bytes());
                connection.response("GET").expect("a response");
            }
        });
        let profile = ["profile", "demo_notepad", "-s", "3", "--flame-graph", "time.svg"];
        let output = pallas.run(profile, "");
        let profile =
            ["profile", "demo_notepad", "-s", "1", "--alloc", "--flame-graph", "allocated.svg"];
        let alloc = pallas.run(profile, "");
        is_over.store(true, Ordering::Relaxed);
        for (output, text) in [(&output, "CPU time"), (&alloc, "allocated")] {
            assert!(output.status.success(), "{}", stderr(output));
            assert!(stdout(output).contains(text), "{}", stdout(output));
        }
    });
    // It serves on, and another profile can be taken.
    let again = pallas.run(["profile", "demo_notepad", "-s", "1"], "");
    assert!(again.status.success(), "{}", stderr(&again));
    for name in ["time.svg", "allocated.svg"] {
        let svg = fs::read_to_string(pallas.path(name)).expect("a flame graph");
        assert!(svg.contains("(drivers)"), "{name}");
    }
    machine.kill();
}

#[test]
fn a_law_is_explained_by_name_and_by_hash() {
    let pallas = with_module();
    let text = output_of(&pallas, &["explain", "-m", "./shares.sire", "heavy"]);
    for part in [
        "heavy\n",
        "  defined   ./shares.sire:11\n",
        "  type      > Nat > Nat\n",
        "  arity     1\n",
        "  jet       none\n",
        "  = (heavy n) | add 1 | work (mul 3 n) 1\n",
        "\nintermediate code before the passes\n",
        "\nintermediate code after the passes\n",
        "\nmachine code of f0: heavy, ",
        "general f0(v0: any)",
    ] {
        assert!(text.contains(part), "{part}:\n{text}");
    }
    let section = |title: &str| {
        let rest = text.split(&format!("\n{title}\n")).nth(1).expect("a section");
        rest.split("\n\n").next().expect("lines").to_owned()
    };
    assert!(section("refers to").contains("  work  "), "{text}");
    let callers = section("referred to by");
    assert!(callers.contains("  both  ") && callers.contains("  pair"), "{text}");
    let hash = text.lines().find_map(|line| line.strip_prefix("  hash      ")).expect("a hash");
    for hash in [hash, &hash[..8]] {
        let again = output_of(&pallas, &["explain", "-m", "./shares.sire", "-b", hash]);
        assert!(again.starts_with("heavy\n") && !again.contains("general f0"), "{again}");
    }
    // A jet of the default module.
    let text = output_of(&pallas, &["explain", "-b", "map"]);
    assert!(text.contains("a native function runs in place of the law"), "{text}");
    assert!(text.contains("Calls run the jet."), "{text}");
}

#[test]
fn what_cannot_be_explained_is_reported() {
    let pallas = with_module();
    let explain = |law| error_of(&pallas, &["explain", "-m", "./shares.sire", law]);
    assert!(explain("hevy").contains("similar: `heavy`"));
    assert!(explain("pair").contains("`pair` is not a law"));
    assert!(explain("zzzzzzzzzz").contains("has no law with the name or hash"));
    assert!(explain("").contains("has no law with the name or hash"));
}

#[test]
fn the_laws_of_a_machine_are_explained() {
    let pallas = Pallas::new();
    let booted = pallas.run(["boot", "counter", "demo_count_up"], "");
    assert!(booted.status.success(), "{}", stderr(&booted));
    let text = output_of(&pallas, &["explain", "--store", "counter", "-b", "syscall"]);
    assert!(text.starts_with("syscall\n") && text.contains("\nrefers to\n"), "{text}");
    let unknown = error_of(&pallas, &["explain", "--store", "counter", "nosuch"]);
    assert!(unknown.contains("the machine in counter has no law"), "{unknown}");
}
