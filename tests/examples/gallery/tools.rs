//! The commands whose output is text or a file.

use crate::notepad::STORE;
use crate::page::Gallery;
use tests::{Pallas, stderr, stdout};

/// The law that is explained: the notepad's change of its state.
const LAW: &str = "update";

/// Runs a command that succeeds. Returns its output.
fn output(pallas: &Pallas, args: &[&str]) -> String {
    let output = pallas.run(args, "");
    assert!(output.status.success(), "{args:?}: {}", stderr(&output));
    stdout(&output)
}

/// The command as a user types it.
fn typed(args: &[&str]) -> String {
    let args: Vec<String> = args
        .iter()
        .map(|arg| match arg.rsplit_once('/') {
            Some((folder, name)) if folder.starts_with('/') => name.to_owned(),
            _ => (*arg).to_owned(),
        })
        .collect();
    format!("pallas {}", args.join(" "))
}

/// The metrics of the running machine.
pub(crate) fn metrics(pallas: &Pallas, gallery: &mut Gallery) {
    let args = ["metrics", STORE];
    gallery.text("metrics.txt", "Metrics", &typed(&args), &output(pallas, &args));
}

/// Profiles of CPU time and of allocation, of the running machine.
pub(crate) fn profiles(pallas: &Pallas, gallery: &mut Gallery) {
    for (name, title, option) in
        [("time", "Profile of CPU time", None), ("allocation", "Profile of allocation", Some("-a"))]
    {
        let [svg, pprof] = ["svg", "pb"].map(|ending| {
            let path = gallery.folder.join(format!("profile-{name}.{ending}"));
            path.to_str().expect("the path is text").to_owned()
        });
        let mut args = vec!["profile", STORE, "-s", "5", "--flame-graph", &svg, "--pprof", &pprof];
        args.extend(option);
        let table = output(pallas, &args);
        gallery.text(&format!("profile-{name}.txt"), title, &typed(&args), &table);
        gallery.svg(&format!("profile-{name}.svg"), &format!("{title}: flame graph"));
    }
}

/// A law of the notepad.
pub(crate) fn explain(pallas: &Pallas, gallery: &mut Gallery) {
    let args = ["explain", "-m", "sire/demo_notepad.sire", LAW];
    gallery.text("explain.txt", "A law of the notepad", &typed(&args), &output(pallas, &args));
}
