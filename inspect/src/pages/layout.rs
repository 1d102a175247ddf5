//! What all pages share: the head, the navigation, links and numbers.
//!
//! All links are relative to the page, so none of them has the token of the address in it.

use jiff::Timestamp;
use maud::{DOCTYPE, Markup, html};

/// A page, without what all pages share.
pub(crate) struct Page {
    pub(crate) title: String,
    pub(crate) body: Markup,
}

/// The pages of the navigation: the end of the address, and the name.
const PAGES: [(&str, &str); 6] = [
    ("./", "Overview"),
    ("state", "State"),
    ("log", "Events"),
    ("workers", "Workers"),
    ("set-aside", "Set aside"),
    ("disk", "Disk"),
];

/// The whole page as HTML.
pub(crate) fn html(page: &Page) -> String {
    let document = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (page.title) " · Pallas" }
                link rel="stylesheet" href="style.css";
            }
            body {
                nav aria-label="Pages" {
                    @for (address, name) in PAGES { a href=(address) { (name) } }
                }
                main {
                    h1 { (page.title) }
                    (page.body)
                }
            }
        }
    };
    document.into_string()
}

/// A page that says why another one cannot be shown.
pub(crate) fn error_page(title: &str, message: &str) -> Page {
    Page { title: title.into(), body: html! { p.error { (message) } } }
}

/// A number with commas between groups of three digits.
pub(crate) fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of bytes with a unit.
pub(crate) fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    let mut value = bytes as f64;
    let mut unit = "B";
    for next in UNITS {
        if value < 1024.0 {
            break;
        }
        value /= 1024.0;
        unit = next;
    }
    if unit == "B" { format!("{bytes} B") } else { format!("{value:.1} {unit}") }
}

/// A time in nanoseconds since 1970, as text.
pub(crate) fn time(nanoseconds: u64) -> String {
    match Timestamp::from_nanosecond(i128::from(nanoseconds)) {
        Ok(time) => format!("{time:.3}"),
        Err(_) => "(no time)".into(),
    }
}

/// A link to the state after an event.
pub(crate) fn state_link(event: u64, text: &str) -> Markup {
    html! { a href={ "state?event=" (event) } { (text) } }
}

/// A table with these heads and rows.
pub(crate) fn table(heads: &[&str], rows: &[Vec<Markup>]) -> Markup {
    html! {
        div.scroll {
            table {
                thead { tr { @for head in heads { th scope="col" { (head) } } } }
                tbody {
                    @for row in rows {
                        tr {
                            @for (head, cell) in heads.iter().zip(row) { td data-head=(head) { (cell) } }
                        }
                    }
                }
            }
        }
    }
}

/// The calls that were in progress when an event crashed, innermost first.
pub(super) fn call_list(calls: &[String]) -> Markup {
    html! { ol { @for call in calls { li { code { (call) } } } } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_commas_and_bytes_have_units() {
        assert_eq!([0, 999, 1000, 1_234_567].map(number), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([0, 1023, 1024, 3 << 30].map(bytes), ["0 B", "1023 B", "1.0 KiB", "3.0 GiB"]);
        assert_eq!(bytes(u64::MAX), "16384.0 PiB");
    }

    #[test]
    fn text_is_escaped() {
        let page = error_page("<b>", "a & \"b\" <script>");
        let html = html(&page);
        assert!(!html.contains("<b>") && !html.contains("<script>"), "{html}");
    }
}
