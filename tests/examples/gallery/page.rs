//! [`Gallery`]: the folder and its index.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

/// What the index shows.
pub(crate) enum Entry {
    /// The text that a command printed.
    Text { name: String, title: String, command: String, text: String },
    /// A picture of this width.
    Picture { name: String, title: String, width: u32 },
    /// A picture with a script.
    Svg { name: String, title: String },
    /// Another file.
    File { name: String, title: String, command: String, note: String },
    /// Something that could not be made, and why.
    Missing { title: String, reason: String },
}

/// The files that were written, in their order.
pub(crate) struct Gallery {
    pub(crate) folder: PathBuf,
    entries: Vec<Entry>,
}

const HEAD: &str = "\
<!doctype html>
<html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">
<title>Pallas: the tools at work</title>
<style>
body { font: 16px/1.45 system-ui, sans-serif; max-width: 84rem; margin: auto; padding: 1rem }
pre { font: 13px/1.4 ui-monospace, monospace; max-height: 30rem; overflow: auto; padding: 0.5rem;
      border: 1px solid #8886 }
img, object { max-width: 100%; border: 1px solid #8886 }
h2 { font-size: 1.1rem; margin: 2rem 0 0.5rem }
.missing { border-left: 4px solid #c33; padding-left: 0.75rem }
</style>
<h1>The tools at work on the notepad, under load</h1>
";

impl Gallery {
    pub(crate) fn new(folder: PathBuf) -> Gallery {
        Gallery { folder, entries: Vec::new() }
    }

    pub(crate) fn add(&mut self, entry: Entry) {
        self.entries.push(entry);
    }

    /// Writes a text that a command printed.
    pub(crate) fn text(&mut self, name: &str, title: &str, command: &str, text: &str) {
        fs::write(self.folder.join(name), text).expect("the file can be written");
        let [name, title, command, text] = [name, title, command, text].map(str::to_owned);
        self.add(Entry::Text { name, title, command, text });
    }

    /// Adds a picture that was written.
    pub(crate) fn picture(&mut self, name: &str, title: &str, width: u32) {
        self.add(Entry::Picture { name: name.to_owned(), title: title.to_owned(), width });
    }

    /// Adds an SVG that was written.
    pub(crate) fn svg(&mut self, name: &str, title: &str) {
        self.add(Entry::Svg { name: name.to_owned(), title: title.to_owned() });
    }

    /// Notes that something is missing.
    pub(crate) fn skip(&mut self, title: &str, reason: &str) {
        tests::report(&format!("gallery: {title}: skipped, since {reason}"));
        self.add(Entry::Missing { title: title.to_owned(), reason: reason.to_owned() });
    }

    /// Writes the index.
    pub(crate) fn write(&self, summary: &str) {
        let mut html = String::from(HEAD);
        let _ = write!(html, "<p>{}</p>\n<ul>\n", escape(summary));
        for (number, entry) in self.entries.iter().enumerate() {
            let _ = writeln!(html, "<li><a href=\"#e{number}\">{}</a>", escape(entry.title()));
        }
        html.push_str("</ul>\n");
        for (number, entry) in self.entries.iter().enumerate() {
            let _ = writeln!(html, "<h2 id=\"e{number}\">{}</h2>", escape(entry.title()));
            html.push_str(&entry.html());
        }
        fs::write(self.folder.join("index.html"), html).expect("the index can be written");
    }
}

impl Entry {
    fn title(&self) -> &str {
        match self {
            Entry::Text { title, .. }
            | Entry::Picture { title, .. }
            | Entry::Svg { title, .. }
            | Entry::File { title, .. }
            | Entry::Missing { title, .. } => title,
        }
    }

    fn html(&self) -> String {
        match self {
            Entry::Text { name, command, text, .. } => format!(
                "<p><code>{}</code>: <a href=\"{name}\">{name}</a></p>\n<pre>{}</pre>\n",
                escape(command),
                escape(text)
            ),
            Entry::Picture { name, title, width } => {
                let title = escape(title);
                format!("<p><img src=\"{name}\" width=\"{width}\" alt=\"{title}\"></p>\n")
            }
            Entry::Svg { name, .. } => format!(
                "<p><a href=\"{name}\">{name}</a> (a click on a frame zooms)</p>\n\
                 <object data=\"{name}\" type=\"image/svg+xml\" width=\"1200\"></object>\n"
            ),
            Entry::File { name, command, note, .. } => format!(
                "<p><code>{}</code>: <a href=\"{name}\">{name}</a>, {}</p>\n",
                escape(command),
                escape(note)
            ),
            Entry::Missing { reason, .. } => {
                format!("<p class=\"missing\">Skipped, since {}.</p>\n", escape(reason))
            }
        }
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
