//! Comparison of printed text.

/// The first lines that differ, with some lines around them, as the message of a failed test. None
/// if the texts are equal.
pub fn difference(expected: &str, found: &str) -> Option<String> {
    if expected == found {
        return None;
    }
    let (expected, found): (Vec<_>, Vec<_>) = (expected.lines().collect(), found.lines().collect());
    let same = expected.iter().zip(&found).take_while(|(a, b)| a == b).count();
    let around = |lines: &[&str]| {
        let from = same.saturating_sub(3);
        let to = lines.len().min(same + 6);
        lines[from.min(to)..to].join("\n")
    };
    let line = same + 1;
    let (expected, found) = (around(&expected), around(&found));
    Some(format!("line {line}\n--- expected\n{expected}\n--- found\n{found}\n"))
}

/// Reduces each error in a transcript to `<reason>` with one empty line before and after it. The
/// prototype wraps an error twice and prints it in several blocks, so only the innermost reason is
/// comparable.
///
/// # Panics
/// If an error has no reason.
pub fn reduce_errors(transcript: &str) -> String {
    let mut out = String::new();
    let mut lines = transcript.lines().peekable();
    while let Some(line) = lines.next() {
        if line != "++ %crash" {
            out.push_str(line);
            out.push('\n');
            continue;
        }
        let mut error = Vec::new();
        while let Some(line) = lines.next_if(|line| !line.is_empty()) {
            error.push(line);
        }
        while lines.next_if(|line| line.is_empty()).is_some() {}
        while out.ends_with("\n\n") {
            out.pop();
        }
        out.push_str(&format!("\n<{}>\n\n", innermost_reason(&error)));
    }
    out
}

/// The text of the last `# reason`, without the braces around a text of several words.
fn innermost_reason(error: &[&str]) -> String {
    let last = error.iter().rposition(|line| line.trim_start().starts_with("# reason"));
    let last = last.unwrap_or_else(|| panic!("no reason in the error {error:?}"));
    let mut reason = error[last].trim_start().trim_start_matches("# reason").trim().to_owned();
    for line in &error[last + 1..] {
        reason.push(' ');
        reason.push_str(line.trim());
    }
    reason.trim_matches(['{', '}', ' ']).to_owned()
}
