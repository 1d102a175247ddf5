//! `pallas doc`: the reference of the library and of a user's module.

use serde_json::Value;
use std::collections::BTreeSet;
use tests::{Pallas, files_below, stderr, stdout};

const SHOP: &str = "\
#### shop <- prelude

;;;; A shop. It sells <b>.

:| prelude

;; (price fruit): what a fruit costs, in cents.

= (price fruit) | if (fruit == %pear) 40 30

= cost | price

= (secret x) x

=?= 40 | price %pear

^-^ price cost
";

fn shop() -> Pallas {
    let pallas = Pallas::new();
    pallas.write("shop.sire", SHOP);
    pallas
}

fn succeed(pallas: &Pallas, args: &[&str]) -> String {
    let output = pallas.run(args, "");
    assert!(output.status.success(), "{args:?}: {output:?}");
    stdout(&output)
}

#[test]
fn the_names_of_the_library_are_documented() {
    let pallas = Pallas::new();
    let output = pallas.run(["doc", "--check", "--json"], "");
    let coverage: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let count = |key: &str| coverage[key].as_array().expect("a list").len();
    let total = &coverage["total"];
    tests::report(&format!("public names of the library: {total}"));
    assert!(total["names"].as_u64() >= Some(1245), "{total}");
    let lists = |key: &str| format!("{:#}", coverage[key]);
    for list in ["without_comment", "without_type", "without_example"] {
        assert_eq!(count(list), 0, "{}", lists(list));
    }
    assert_eq!(total["type"], total["names"], "{total}");
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn an_entry_has_the_comment_the_place_and_the_examples() {
    let pallas = shop();
    let entry = succeed(&pallas, &["doc", "--module", "./shop.sire", "price"]);
    let start = "(price fruit)\n\n    what a fruit costs, in cents.\n\n  module    shop\n";
    assert!(entry.starts_with(start), "{entry}");
    assert!(
        entry.contains("\n  defined   ./shop.sire:9\n  kind      function of 1 argument\n"),
        "{entry}"
    );
    assert!(entry.ends_with("\nExamples:\n    =?= 40 | price %pear\n"), "{entry}");
    let alias = succeed(&pallas, &["doc", "-m", "./shop.sire", "cost"]);
    assert!(alias.contains("Another name for {price}."), "{alias}");
    let module = succeed(&pallas, &["doc", "-m", "./shop.sire", "shop"]);
    assert!(module.contains("A shop. It sells <b>.") && !module.contains("secret"), "{module}");
    let jet = succeed(&pallas, &["doc", "map"]);
    assert!(
        jet.contains("the row of (f x) for each item x.") && jet.contains("jet       _Map\n"),
        "{jet}"
    );
    let none = pallas.run(["doc", "nobody"], "");
    assert_eq!(none.status.code(), Some(1), "{none:?}");
    assert!(
        stderr(&none).contains("no documented module exports `nobody` or has that name"),
        "{none:?}"
    );
}

#[test]
fn an_unknown_name_has_suggestions() {
    let pallas = Pallas::new();
    let message = |name: &str| {
        let output = pallas.run(["doc", name], "");
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        stderr(&output)
    };
    assert!(
        message("textSplt").ends_with("; did you mean `textSplit`?\n"),
        "{}",
        message("textSplt")
    );
    assert!(message("jsn").contains("`json`"), "{}", message("jsn"));
    assert!(message("nothingLikeIt").ends_with("or has that name\n"));
}

#[test]
fn a_module_that_is_a_file_here_is_named_by_its_path() {
    let pallas = shop();
    let message = |module: &str| stderr(&pallas.run(["save", "shop.seed", module], ""));
    assert!(message("shop").contains("shop.sire or ./shop, names it"), "{}", message("shop"));
    assert!(message("preldue").ends_with("; did you mean `prelude`?\n"), "{}", message("preldue"));
}

#[test]
fn a_module_without_gaps_passes_the_check() {
    let pallas = shop();
    // `cost` has no example.
    let gap = pallas.run(["doc", "-m", "./shop.sire", "--check"], "");
    assert_eq!(gap.status.code(), Some(1), "{gap:?}");
    assert!(stdout(&gap).ends_with("\nwithout example:\n  shop cost\n"), "{gap:?}");
    pallas.write(
        "shop.sire",
        SHOP.replace("^-^ price cost", "=?= 30 | cost %apple\n\n^-^ price cost"),
    );
    let table = succeed(&pallas, &["doc", "-m", "./shop.sire", "--check"]);
    assert!(
        table.contains("\ntotal                      2        2      0        2     0\n"),
        "{table}"
    );
}

/// The values of an attribute in a page.
fn values<'p>(page: &'p str, attribute: &'p str) -> impl Iterator<Item = &'p str> {
    let parts = page.split(attribute).skip(1);
    parts.map(|part| part.split('"').next().expect("a value has an end"))
}

/// A fragment of an address as the id that it means.
fn decoded(fragment: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = fragment.bytes();
    while let Some(byte) = rest.next() {
        let digit =
            |byte: Option<u8>| char::from(byte.expect("a digit")).to_digit(16).expect("hex");
        bytes.push(match byte {
            b'%' => u8::try_from(digit(rest.next()) * 16 + digit(rest.next())).expect("a byte"),
            _ => byte,
        });
    }
    String::from_utf8(bytes).expect("UTF-8")
}

#[test]
fn every_link_of_the_reference_leads_to_an_entry() {
    let pallas = Pallas::new();
    succeed(&pallas, &["doc", "--out", "reference"]);
    let files = files_below(&pallas.path("reference"));
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
    let mut targets = BTreeSet::new();
    for (path, bytes) in &files {
        let name = path.file_name().and_then(|name| name.to_str()).expect("a name").to_owned();
        for id in values(&text(bytes), "class=\"entry\" id=\"") {
            let id = id.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
            targets.insert(format!("{name}#{id}"));
        }
        targets.insert(name);
    }
    assert!(targets.contains("row.html#map") && targets.contains("syntax.html#&&"), "{targets:?}");
    let mut links = 0;
    for (path, bytes) in &files {
        let page = path.file_name().and_then(|name| name.to_str()).expect("a name");
        if !page.ends_with(".html") {
            continue;
        }
        let page_text = text(bytes);
        // A page loads nothing but the files beside it; links are checked below.
        assert!(values(&page_text, "src=\"").all(|source| source == "search.js"), "{page}");
        for link in values(&page_text, "href=\"") {
            let target = match link.split_once('#') {
                Some(("", fragment)) => format!("{page}#{}", decoded(fragment)),
                Some((file, fragment)) => format!("{file}#{}", decoded(fragment)),
                None => link.to_owned(),
            };
            assert!(targets.contains(&target), "{page}: {link}");
            links += 1;
        }
    }
    assert!(links > 3000, "{links}");
    let written = succeed(&pallas, &["doc", "--format", "markdown", "--out", "text", "-m", "csv"]);
    assert_eq!(written, "text: 2 files, 1 modules\n");
    assert!(pallas.path("text/csv.md").exists());
}
