//! The table of a profile: self and total per law.

use super::{ExecutionKind, LawShare, SampledProfile, SampledResource};
use std::fmt::Write as _;

/// The most characters of a name or place that are shown.
const NAME_LIMIT: usize = 60;

impl SampledProfile {
    /// The profile as a text: a summary, then a line for each of the `limit` laws with the largest
    /// own shares. Percentages are of the amount in evaluations.
    pub fn table(&self, limit: usize) -> String {
        let total = self.total();
        let mut text = self.summary();
        if total == 0 {
            text.push_str("No sample was taken in an evaluation.\n");
            return text;
        }
        let _ = writeln!(
            text,
            "\n{:>7} {:>7}  {:>6} {:>6} {:>6} {:>6}  law",
            "self", "total", "interp", "comp", "jet", "gc"
        );
        let shares = self.shares();
        for share in shares.iter().take(limit) {
            let LawShare { law, own, total: all, by_kind } = share;
            let [interpreted, compiled, jet, collector] = by_kind
                .map(|amount| if amount == 0 { String::new() } else { percent(amount, *own) });
            let place = law.place.as_ref().map_or(String::new(), |it| format!("  ({})", short(it)));
            let name = if law.name.is_empty() { "(a law without a name)" } else { &law.name };
            let _ = writeln!(
                text,
                "{:>7} {:>7}  {interpreted:>6} {compiled:>6} {jet:>6} {collector:>6}  {}{place}",
                percent(*own, total),
                percent(*all, total),
                short(name),
            );
        }
        if shares.len() > limit {
            let _ = writeln!(text, "... {} more laws ...", shares.len() - limit);
        }
        text
    }

    /// The first lines: amounts, and how they divide.
    fn summary(&self) -> String {
        let (total, samples) = (self.total(), self.samples());
        let what = match self.resource {
            SampledResource::CpuTime => "of CPU time",
            SampledResource::Allocation => "allocated",
        };
        let mut text = format!(
            "{} {what} in evaluations, {samples} samples, {:.2} s elapsed\n",
            self.amount(total),
            self.elapsed as f64 / 1e9
        );
        let kinds = ExecutionKind::ALL.iter().zip(self.by_kind());
        let kinds: Vec<String> = kinds
            .map(|(kind, amount)| format!("{} {}", kind.name(), percent(amount, total)))
            .collect();
        if total > 0 {
            let _ = writeln!(text, "{}", kinds.join(", "));
        }
        for (amount, what) in
            [(self.outside, "outside of evaluations"), (self.unknown, "with an unknown stack")]
        {
            if amount > 0 {
                let _ = writeln!(text, "{} {what}", self.amount(amount));
            }
        }
        text
    }

    /// An amount with its unit.
    fn amount(&self, amount: u64) -> String {
        let amount = amount as f64;
        match self.resource {
            SampledResource::CpuTime => format!("{:.3} s", amount / 1e9),
            SampledResource::Allocation => format!("{:.2} MB", amount / 1e6),
        }
    }
}

/// A part of a whole in percent; 0 of an empty whole.
fn percent(part: u64, whole: u64) -> String {
    let share = if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 };
    format!("{share:.1}%")
}

/// The start of a text that may be long, on one line.
fn short(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    match text.char_indices().nth(NAME_LIMIT) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::example;

    #[test]
    fn the_table_is_sorted_by_own_share() {
        assert_eq!(
            example().table(3),
            "0.040 s of CPU time in evaluations, 10 samples, 0.05 s elapsed\n\
             interpreter 10.0%, compiled 60.0%, jet 20.0%, collector 10.0%\n\
             0.002 s outside of evaluations\n\
             \n   self   total  interp   comp    jet     gc  law\n  \
               60.0%   80.0%         100.0%                slow  (app.sire:7)\n  \
               20.0%   20.0%                100.0%         mul\n  \
               10.0%  100.0%  100.0%                       main  (app.sire:3)\n\
             ... 1 more laws ...\n"
        );
    }

    #[test]
    fn a_profile_without_samples_says_so() {
        let mut profile = example();
        profile.stacks.clear();
        assert!(profile.table(3).ends_with("No sample was taken in an evaluation.\n"));
    }
}
