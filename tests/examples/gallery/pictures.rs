//! Pictures of pages, in headless Chromium.

use crate::notepad::STORE;
use crate::page::Gallery;
use serde_json::json;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;
use tests::{Browser, Pallas, Window};

/// A name, the width and the height of a screen, and whether it is a phone's.
const SCREENS: [(&str, u32, u32, bool); 2] =
    [("desktop", 1280, 1100, false), ("phone", 390, 1400, true)];

/// The pages, by the names of their files.
const PAGES: [(&str, &str); 7] = [
    ("overview", ""),
    ("state", "state"),
    ("state-of-the-program", "state?path=0"),
    ("log", "log"),
    ("event", "event?number=5"),
    ("workers", "workers"),
    ("disk", "disk"),
];

/// How many points the charts have before the picture is taken, one a second.
const CHART_POINTS: u32 = 8;

/// Pictures of each page of `pallas inspect` for the running machine.
pub(crate) fn inspect(pallas: &Pallas, program: &Path, gallery: &mut Gallery) {
    let mut command = pallas.command(["inspect", STORE]);
    let mut server = command.stderr(Stdio::null()).spawn().expect("pallas starts");
    let mut url = String::new();
    let output = server.stdout.take().expect("standard output is a pipe");
    BufReader::new(output).read_line(&mut url).expect("it prints its address");
    let mut browser = Browser::start(program);
    for (screen, width, height, is_phone) in SCREENS {
        for (page, path) in PAGES {
            let window = browser.open(&format!("{}{path}", url.trim()));
            resize(&mut browser, &window, width, height, is_phone);
            if page == "overview" {
                let points = format!(
                    "String(document.querySelector('polyline').points.length >= {CHART_POINTS})"
                );
                browser.wait_for(&window, &points, "true");
            }
            let name = format!("inspect-{page}-{screen}.png");
            let folder = gallery.folder.to_str().expect("the path is text").to_owned();
            browser.screenshot(&window, &folder, &name);
            let title = format!("The page {page} of `pallas inspect`, {screen}");
            gallery.picture(&name, &title, width);
        }
    }
    // It has no other way to end but a signal.
    let _ = server.kill();
    let _ = server.wait();
}

/// Pictures of the flame graphs, as a browser draws them.
pub(crate) fn flame_graphs(program: &Path, gallery: &mut Gallery) {
    let mut browser = Browser::start(program);
    for name in ["time", "allocation"] {
        let path = gallery.folder.join(format!("profile-{name}.svg"));
        let window = browser.open(&format!("file://{}", path.display()));
        resize(&mut browser, &window, 1280, 800, false);
        let folder = gallery.folder.to_str().expect("the path is text").to_owned();
        let picture = format!("profile-{name}.png");
        browser.screenshot(&window, &folder, &picture);
        gallery.picture(&picture, &format!("The flame graph profile-{name}.svg in Chromium"), 1280);
    }
}

fn resize(browser: &mut Browser, window: &Window, width: u32, height: u32, is_phone: bool) {
    let size = json!({
        "width": width, "height": height, "deviceScaleFactor": 1, "mobile": is_phone,
    });
    browser.call(Some(window), "Emulation.setDeviceMetricsOverride", size);
}
