//! The analysis of a text that a person edits.

mod common;

use common::TestSession;
use sire::{
    AnalysisProgress, Diagnostic, ModuleAnalysis, ModuleArgument, ModuleLibrary, NameTarget,
    SourceOverlay,
};
use std::path::Path;
use std::sync::Arc;

const PATH: &str = "/nonexistent/app.sire";

/// A session that analyses the text of the module `app`.
struct Analyst {
    session: TestSession,
    overlay: SourceOverlay,
}

impl Analyst {
    fn new() -> Analyst {
        let overlay = SourceOverlay::default();
        let library = ModuleLibrary::new("/nonexistent").with_overlay(overlay.clone());
        Analyst { session: TestSession::new(library, None), overlay }
    }

    fn begin(&mut self, text: &str, earlier: Option<ModuleAnalysis>) -> ModuleAnalysis {
        let path = Path::new(PATH);
        let module = ModuleArgument::of_file(path).expect("a module");
        self.session.sire.begin_analysis(module, path, Arc::from(text), earlier)
    }

    /// Analyses a text to its end. Returns also the number of blocks that were executed.
    fn analyse(&mut self, text: &str, earlier: Option<ModuleAnalysis>) -> (ModuleAnalysis, usize) {
        let mut analysis = self.begin(text, earlier);
        let mut executed = 0;
        while !analysis.is_complete() {
            let is_block = !analysis.is_loading();
            let progress = self.session.sire.continue_analysis(&mut analysis, || false);
            progress.expect("the heap is undamaged");
            executed += usize::from(is_block);
        }
        (analysis, executed)
    }
}

fn summaries(analysis: &ModuleAnalysis) -> Vec<String> {
    let summary = |found: &Diagnostic| {
        let line = found.place.as_ref().map_or(0, |place| place.line);
        format!("{line}: {}", found.message)
    };
    analysis.diagnostics().map(summary).collect()
}

/// Returns the names of an analysed text: `line:name -> what it means`.
fn uses(analysis: &ModuleAnalysis) -> Vec<String> {
    let text = analysis.text();
    let line = |byte: usize| text[..byte].matches('\n').count() + 1;
    let described = analysis.uses().map(|found| {
        assert_eq!(text[found.range.clone()], *found.name);
        let target = match &found.target {
            NameTarget::Global { module, name } => format!("{module}.{name}"),
            NameTarget::Local { binder } => format!("{}:{}", line(binder.start), binder.start),
        };
        let mark = if found.is_definition { "!" } else { "" };
        format!("{}:{}{mark} -> {target}", line(found.range.start), found.name)
    });
    described.collect()
}

const LET: &str = "#### app\n\n= (inc x)\n@ y x\n| 3 y\n\n= two | inc 1\n\n= (rec n) | rec n\n";

#[test]
fn names_have_their_meaning() {
    let mut analyst = Analyst::new();
    let (analysis, _) = analyst.analyse(LET, None);
    assert_eq!(summaries(&analysis), Vec::<String>::new());
    assert_eq!(
        uses(&analysis),
        [
            "3:inc! -> app.inc",
            "3:x! -> 3:17",
            "4:y! -> 4:22",
            "4:x -> 3:17",
            "5:y -> 4:22",
            "7:two! -> app.two",
            "7:inc -> app.inc",
            "9:rec! -> app.rec",
            "9:n! -> 9:55",
            "9:rec -> app.rec",
            "9:n -> 9:55",
        ]
    );
}

#[test]
fn names_within_macros_have_their_meaning() {
    let mut analyst = Analyst::new();
    let text =
        "#### app\n\n:| prelude\n\n= (f x ys)\n@ y (add x ys)\n| if (eql x y) {same} (x, y)\n";
    let (analysis, _) = analyst.analyse(text, None);
    assert_eq!(summaries(&analysis), Vec::<String>::new());
    let found = uses(&analysis);
    for wanted in ["6:x -> 5:27", "7:x -> 5:27", "7:y -> 6:35", "5:f! -> app.f"] {
        assert!(found.iter().any(|found| found == wanted), "{wanted}: {found:?}");
    }
    assert_eq!(found.iter().filter(|found| found.starts_with("7:x")).count(), 2, "{found:?}");
    assert!(found.iter().any(|found| found.starts_with("7:eql -> ")), "{found:?}");
}

#[test]
fn an_analysis_goes_on_after_errors_and_does_not_repeat_them() {
    let mut analyst = Analyst::new();
    let text = "#### app\n\n= one | nosuch\n\n= two | one\n\n= (three\n\n= four | three\n\n\
                =?= 1 | 2\n\n= five | other\n";
    let (analysis, _) = analyst.analyse(text, None);
    assert_eq!(
        summaries(&analysis),
        [
            "3: `nosuch` is not in scope",
            "7: `(` is not closed on its line",
            "11: the two sides differ",
            "13: `other` is not in scope",
        ]
    );
    assert_eq!(analysis.assertions().filter(|report| report.failure.is_some()).count(), 1);
}

#[test]
fn an_edit_executes_only_what_is_behind_it() {
    let mut analyst = Analyst::new();
    let (first, _) = analyst.analyse(LET, None);
    let edited = LET.replace("inc 1", "inc 2");
    let (second, _) = analyst.analyse(&edited, Some(first));
    let (fresh, _) = analyst.analyse(&edited, None);
    assert_eq!(uses(&second), uses(&fresh));
    // The same text needs nothing.
    let (third, executed) = analyst.analyse(&edited, Some(second));
    assert_eq!((executed, third.is_complete()), (0, true));
}

#[test]
fn an_analysis_after_edits_is_that_of_the_text() {
    let mut analyst = Analyst::new();
    let mut random = spec_random(7);
    let blocks = [
        "= x | 1\n",
        "= (f y) | 3 y\n",
        "= z | f x\n",
        "=?= 2 | f x\n",
        "= x | nosuch\n",
        "= (open\n",
        "; a comment\n",
        "= (**g a b) | a b\n",
        "^-^ x\n",
    ];
    let mut chosen: Vec<&str> = Vec::new();
    let mut earlier = None;
    for _ in 0..80 {
        let block = blocks[random(blocks.len())];
        match random(3) {
            0 if !chosen.is_empty() => drop(chosen.remove(random(chosen.len()))),
            1 if !chosen.is_empty() => {
                let at = random(chosen.len());
                chosen[at] = block;
            }
            _ => chosen.insert(random(chosen.len() + 1), block),
        }
        let text = format!("#### app\n\n{}", chosen.join("\n"));
        let (analysis, _) = analyst.analyse(&text, earlier.take());
        let (fresh, _) = analyst.analyse(&text, None);
        assert_eq!(summaries(&analysis), summaries(&fresh), "{text}");
        assert_eq!(uses(&analysis), uses(&fresh), "{text}");
        earlier = Some(analysis);
    }
}

/// Returns a generator of numbers below a limit.
fn spec_random(seed: u64) -> impl FnMut(usize) -> usize {
    let mut state = seed;
    move |limit| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % limit
    }
}

#[test]
fn a_cancelled_step_has_no_effect() {
    let mut analyst = Analyst::new();
    let mut analysis = analyst.begin(LET, None);
    let sire = &mut analyst.session.sire;
    while analysis.is_loading() {
        sire.continue_analysis(&mut analysis, || false).expect("it is loaded");
    }
    for _ in 0..2 {
        let progress = sire.continue_analysis(&mut analysis, || true);
        assert!(matches!(progress, Ok(AnalysisProgress::Cancelled)));
    }
    assert_eq!(analysis.uses().count(), 0);
    let (complete, _) = analyst.analyse(LET, Some(analysis));
    let (fresh, _) = analyst.analyse(LET, None);
    assert_eq!(uses(&complete), uses(&fresh));
}

#[test]
fn names_are_known_until_the_next_analysis_is_complete() {
    let mut analyst = Analyst::new();
    let (first, _) = analyst.analyse(LET, None);
    let mut broken = analyst.begin("#### app\n\n:| nosuch\n\n= x | 1\n", Some(first));
    while !broken.is_complete() {
        let progress = analyst.session.sire.continue_analysis(&mut broken, || false);
        progress.expect("the heap is undamaged");
    }
    assert_eq!(summaries(&broken), ["3: there is no module `nosuch`"]);
    let known = analyst.session.sire.with_names_of(&mut broken, |sire| {
        sire.describe("two").map(|info| (info.module, sire.value_text("two", 100)))
    });
    assert_eq!(known.flatten(), Some(("app".into(), Some("2".into()))));
}

#[test]
fn imports_are_read_from_the_overlay() {
    let mut analyst = Analyst::new();
    let other = Path::new("/nonexistent/other.sire").to_owned();
    analyst.overlay.set(other.clone(), Arc::from("#### other\n\n= alpha | 1\n"));
    let text = "#### app\n\n:| other\n\n= beta | alpha\n";
    let (first, _) = analyst.analyse(text, None);
    assert_eq!(summaries(&first), Vec::<String>::new());
    assert_eq!(first.files(), std::slice::from_ref(&other));
    analyst.overlay.set(other.clone(), Arc::from("#### other\n\n= gamma | 1\n"));
    let (second, _) = analyst.analyse(text, Some(first));
    assert_eq!(summaries(&second), ["5: `alpha` is not in scope"]);
    analyst.overlay.set(other, Arc::from("#### other\n\n= gamma | nosuch\n"));
    let (third, _) = analyst.analyse(text, Some(second));
    assert_eq!(summaries(&third), ["3: the module `other` cannot be loaded"]);
}
