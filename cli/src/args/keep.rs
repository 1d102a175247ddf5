//! `--keep`: which snapshots and how much of the log a machine keeps.

use persist::Retention;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// The rule in the argument of `--keep`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeepRule {
    pub(crate) retention: Retention,
    text: String,
}

const EXPECTED: &str = "expected a number of snapshots (at least 2), an age such as 12h or 7d, a \
                        size of log such as 500M or 2G, or several of them with commas between";

impl FromStr for KeepRule {
    type Err = String;

    /// Parses terms with commas between them. A number is a count; a number with `s`, `m`, `h`, `d` or
    /// `w` is an age; a number with `K`, `M`, `G` or `T` is a size.
    fn from_str(text: &str) -> Result<KeepRule, String> {
        let mut retention = Retention::default();
        let mut terms = [false; 3];
        for term in text.split(',') {
            let unit = term.chars().next_back().filter(|unit| !unit.is_ascii_digit());
            let digits = unit.map_or(term, |unit| &term[..term.len() - unit.len_utf8()]);
            let number: u64 = digits.parse().map_err(|_| EXPECTED)?;
            let scaled = |factor: u64| number.checked_mul(factor).ok_or(EXPECTED);
            let kind = match unit {
                None => {
                    retention.snapshots = usize::try_from(number).map_err(|_| EXPECTED)?;
                    0
                }
                Some(unit @ ('s' | 'm' | 'h' | 'd' | 'w')) => {
                    let seconds = match unit {
                        's' => 1,
                        'm' => 60,
                        'h' => 3600,
                        'd' => 86_400,
                        _ => 604_800,
                    };
                    retention.age = Some(Duration::from_secs(scaled(seconds)?));
                    1
                }
                Some(unit @ ('K' | 'M' | 'G' | 'T')) => {
                    let shift = match unit {
                        'K' => 10,
                        'M' => 20,
                        'G' => 30,
                        _ => 40,
                    };
                    retention.log_bytes = Some(scaled(1 << shift)?);
                    2
                }
                Some(_) => return Err(EXPECTED.into()),
            };
            if std::mem::replace(&mut terms[kind], true) {
                return Err(format!("`{term}` is the second term of its kind"));
            }
        }
        if retention.snapshots < 2 {
            return Err(EXPECTED.into());
        }
        Ok(KeepRule { retention, text: text.into() })
    }
}

impl fmt::Display for KeepRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> Result<Retention, String> {
        text.parse::<KeepRule>().map(|rule| rule.retention)
    }

    #[test]
    fn a_rule_has_a_count_an_age_and_a_size() {
        let three = Retention::default();
        assert_eq!(rule("3"), Ok(three));
        assert_eq!(rule("5"), Ok(Retention { snapshots: 5, ..three }));
        let week = Some(Duration::from_secs(7 * 86_400));
        assert_eq!(rule("7d"), Ok(Retention { age: week, ..three }));
        assert_eq!(rule("1w"), rule("7d"));
        assert_eq!(rule("2G"), Ok(Retention { log_bytes: Some(2 << 30), ..three }));
        let all = Retention { snapshots: 4, age: week, log_bytes: Some(500 << 20) };
        assert_eq!(rule("500M,4,7d"), Ok(all));
        for wrong in ["", "1", "0", "x", "7x", "3,", "3,4", "2G,3M", "-3", "7D", "2g", "9é"] {
            assert!(rule(wrong).is_err(), "{wrong}");
        }
        assert!(rule("99999999999999999999").is_err() && rule("99999999999999T").is_err());
    }
}
