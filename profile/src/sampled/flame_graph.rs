//! Flame graphs, drawn by `inferno`.

use super::{ExecutionKind, SampledProfile, SampledResource};
use inferno::flamegraph::{self, Options, TextTruncateDirection};
use std::io;

impl SampledProfile {
    /// The profile as a flame graph: an SVG file, with a script that zooms and searches.
    ///
    /// # Errors
    /// If `inferno` fails. A profile without samples gets a graph of one frame, so it does not fail
    /// for that.
    pub fn flame_graph(&self, title: &str) -> io::Result<Vec<u8>> {
        let lines = self.folded_stacks();
        let mut options = Options::default();
        options.title = title.to_owned();
        // The start of a name says more than its end.
        options.text_truncate_direction = TextTruncateDirection::Right;
        (options.count_name, options.factor) = match self.resource {
            SampledResource::CpuTime => ("ms".to_owned(), 1e-6),
            SampledResource::Allocation => ("kB".to_owned(), 1e-3),
        };
        // The library writes errors about single lines to the log of the process.
        let mut svg = Vec::new();
        flamegraph::from_lines(&mut options, lines.iter().map(String::as_str), &mut svg)
            .map_err(io::Error::other)?;
        Ok(svg)
    }

    /// The stacks as lines: the frames with semicolons between them, then the amount.
    fn folded_stacks(&self) -> Vec<String> {
        let mut lines: Vec<String> = self
            .stacks
            .iter()
            .map(|stack| {
                let truncated = stack.is_truncated.then_some("(deeper frames)".to_owned());
                let frames = stack.frames.iter().map(|frame| folded_name(self.frame_name(*frame)));
                let collector =
                    (stack.kind == ExecutionKind::Collector).then_some("(collector)".to_owned());
                let mut names: Vec<String> =
                    truncated.into_iter().chain(frames).chain(collector).collect();
                if names.is_empty() {
                    names.push("(no law)".to_owned());
                }
                format!("{} {}", names.join(";"), stack.weight)
            })
            .collect();
        let rest = [("(outside of evaluations)", self.outside), ("(unknown)", self.unknown)];
        let rest = rest.into_iter().filter(|(_, weight)| *weight > 0);
        lines.extend(rest.map(|(name, weight)| format!("{name} {weight}")));
        if lines.is_empty() {
            lines.push("(no samples) 1".to_owned());
        }
        lines.sort();
        lines
    }
}

/// A name without the characters that separate frames and lines.
fn folded_name(name: &str) -> String {
    name.chars().map(|c| if c == ';' || c.is_control() { '_' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::example;

    #[test]
    fn a_graph_has_each_law_and_the_collector() {
        let mut profile = example();
        profile.laws[3].name = "a;b\n<c>".to_owned();
        let svg = profile.flame_graph("A title").expect("a graph");
        let svg = String::from_utf8(svg).expect("UTF-8");
        for part in ["<svg", "A title", "main", "slow", "quick", "(collector)", "a_b_&lt;c&gt;"] {
            assert!(svg.contains(part), "{part}");
        }
    }

    #[test]
    fn a_profile_without_samples_has_a_graph() {
        let mut profile = example();
        profile.stacks.clear();
        profile.outside = 0;
        assert!(profile.flame_graph("none").is_ok());
    }
}
