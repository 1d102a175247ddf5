//! The reference as HTML: a page for each module, and one with the list of modules. All pages have a
//! search field; they load nothing but the files beside them.

use super::links::CodePart;
use super::prose::{ProseBlock, ProsePart, first_sentence, prose_blocks};
use super::{Reference, ReferenceFile, comment, kind, place, title};
use maud::{DOCTYPE, Markup, html};
use sire::{ModuleDocumentation, NameDocumentation};

const STYLE: &str = include_str!("reference.css");
const SEARCH: &str = include_str!("reference.js");

/// Returns the files of the reference.
///
/// # Errors
/// If the list of names cannot be written as JSON.
pub(crate) fn html_files(reference: &Reference) -> anyhow::Result<Vec<ReferenceFile>> {
    let mut files = vec![
        ("style.css".to_owned(), STYLE.to_owned()),
        ("search.js".to_owned(), search_script(reference)?),
        ("index.html".to_owned(), index_page(reference).into_string()),
    ];
    for module in &reference.modules {
        let page = ModulePage { reference, module };
        files.push((format!("{}.html", module.name), page.markup().into_string()));
    }
    Ok(files)
}

/// The names with their modules and first sentences, and the script that searches them.
fn search_script(reference: &Reference) -> anyhow::Result<String> {
    let mut names = Vec::new();
    for module in &reference.modules {
        for entry in &module.names {
            names.push([entry.name.clone(), module.name.clone(), first_sentence(&comment(entry))]);
        }
    }
    Ok(format!("const NAMES = {};\n{SEARCH}", serde_json::to_string(&names)?))
}

fn page(heading: &str, content: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (heading) }
                link rel="stylesheet" href="style.css";
            }
            body {
                input id="search" type="search" placeholder="Search names ( / )"
                    aria-label="Search names" autocomplete="off" spellcheck="false";
                ul id="found" {}
                (content)
                script src="search.js" {}
            }
        }
    }
}

fn index_page(reference: &Reference) -> Markup {
    let content = html! {
        h1 { "Reference" }
        table {
            @for module in &reference.modules {
                tr {
                    td { a href=(format!("{}.html", module.name)) { code { (module.name) } } }
                    td { (first_sentence(&module.comment)) }
                }
            }
        }
    };
    page("Reference", &content)
}

/// The page of a module.
struct ModulePage<'r> {
    reference: &'r Reference,
    module: &'r ModuleDocumentation,
}

impl ModulePage<'_> {
    fn markup(&self) -> Markup {
        let module = self.module;
        let mut sections: Vec<(&str, Vec<&NameDocumentation>)> = Vec::new();
        for entry in &module.names {
            match sections.last_mut() {
                Some((section, entries)) if *section == entry.section => entries.push(entry),
                _ => sections.push((&entry.section, vec![entry])),
            }
        }
        let content = html! {
            p { a href="index.html" { "All modules" } }
            h1 { code { (module.name) } }
            (self.prose(&module.comment))
            p class="faint" { (module.file) }
            @for (section, entries) in &sections {
                @if !section.is_empty() { h2 { (section) } }
                @for entry in entries { (self.entry(entry)) }
            }
        };
        page(&module.name, &content)
    }

    fn entry(&self, entry: &NameDocumentation) -> Markup {
        html! {
            section class="entry" id=(entry.name) {
                h3 {
                    a href=(format!("#{}", encoded(&entry.name))) { code { (title(entry)) } }
                    @if entry.jet.is_some() { span class="mark" { "jet" } }
                }
                @if let Some(signature) = &entry.signature {
                    p { code { (signature) } }
                }
                (self.prose(&comment(entry)))
                @if !entry.examples.is_empty() {
                    pre { code { (self.code(&entry.examples.join("\n"))) } }
                }
                details {
                    summary { (kind(entry)) ", " (place(self.module, entry)) }
                    @if let Some(definition) = &entry.definition {
                        pre { code { (self.code(definition)) } }
                    }
                    @if let Some(jet) = entry.jet { p { "Jet: " code { (jet) } } }
                    @if let Some(hash) = &entry.hash { p { "Hash: " code { (hash) } } }
                }
            }
        }
    }

    /// A comment, with links.
    fn prose(&self, comment: &str) -> Markup {
        let blocks = prose_blocks(comment, &self.reference.links, &self.module.name);
        html! {
            @for block in &blocks {
                @match block {
                    ProseBlock::Code(code) => pre { code { (self.code(code)) } },
                    ProseBlock::Paragraph(parts) => p {
                        @for part in parts {
                            @match part {
                                ProsePart::Text(text) => (text),
                                ProsePart::Code(code) => code { (self.code(code)) },
                            }
                        }
                    },
                }
            }
        }
    }

    /// Code, in which documented names are links.
    fn code(&self, code: &str) -> Markup {
        let parts = self.reference.links.code_parts(code, &self.module.name);
        html! {
            @for part in &parts {
                @match part {
                    CodePart::Plain(text) => (text),
                    CodePart::Name { name, module } => {
                        a href=(format!("{module}.html#{}", encoded(name))) { (name) }
                    },
                }
            }
        }
    }
}

/// Returns a name as the fragment of an address.
fn encoded(name: &str) -> String {
    let mut text = String::new();
    for byte in name.bytes() {
        match byte {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'_' => text.push(char::from(byte)),
            _ => text += &format!("%{byte:02X}"),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::links::tests::module;

    fn files() -> Vec<ReferenceFile> {
        let reference = Reference::new(vec![module("row", &["map", "a<b"])]);
        html_files(&reference).expect("the names are JSON")
    }

    fn file(name: &str) -> String {
        let found = files().into_iter().find(|(found, _)| found == name);
        found.map(|(_, text)| text).expect("the file exists")
    }

    #[test]
    fn a_page_escapes_and_links() {
        let page = file("row.html");
        assert!(page.contains("<code><a href=\"row.html#map\">map</a></code> and &lt;b&gt; say"));
        assert!(page.contains("id=\"a&lt;b\"") && page.contains("href=\"#a%3Cb\""), "{page}");
        assert!(page.contains("<pre><code>code (<a href=\"row.html#map\">map</a> f)</code></pre>"));
        assert!(page.contains("<p><code>a &gt; a</code></p>"), "{page}");
    }

    #[test]
    fn nothing_is_loaded_from_elsewhere() {
        for (name, text) in files() {
            assert!(!text.contains("http://") && !text.contains("https://"), "{name}");
            assert!(!text.contains("src=\"/") && !text.contains("href=\"/"), "{name}");
        }
        assert!(file("search.js").starts_with("const NAMES = [[\"map\",\"row\",\"x, as "));
        assert!(file("index.html").contains("<a href=\"row.html\"><code>row</code></a>"));
    }
}
