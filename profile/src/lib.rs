//! A [`Profile`] is a file that says when which thread did what: spans of time are recorded on
//! [`ProfileTrack`]s, and each goes into the file at once. A [`SampledProfile`] says in which laws
//! the time went, by samples: see [`sampled`].
//!
//! The file of a [`Profile`] has the Chrome trace format, which Perfetto (<https://ui.perfetto.dev>) and
//! `chrome://tracing` show: a JSON array with one event a line. Viewers accept an array that is not
//! closed, so the file of a process that was killed can be read too, up to the last events, which
//! were buffered.
//!
//! A program that records nothing has no `Profile`. A [`ProfileTimer`] without a track reads no
//! clock, so it costs one test of an `Option`.
//!
//! ```
//! use profile::{Profile, ProfileDetail, ProfileTimer};
//!
//! # let directory = tempfile::tempdir()?;
//! # let path = directory.path().join("profile.json");
//! let profile = Profile::create(&path, ProfileDetail::Phases)?;
//! let track = profile.track("worker");
//! let timer = ProfileTimer::start(Some(&track));
//! timer.span("job", "job", || vec![("slot", 3.into())]);
//! profile.finish()?;
//! # Ok::<(), std::io::Error>(())
//! ```

#![forbid(unsafe_code)]

pub mod sampled;

pub use sampled::SampledProfile;

use parking_lot::Mutex;
use serde::Serialize;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// The number of the process in the file. There is only one.
const PROCESS: u32 = 1;

/// What a profile has spans of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProfileDetail {
    /// The phases of the process: evaluations, collections, commits and the like.
    Phases,
    /// The phases, and within evaluations each law that runs.
    Laws,
}

/// A profile that is being written. Clones write to the same file.
#[derive(Clone)]
pub struct Profile(Arc<ProfileFile>);

struct ProfileFile {
    /// When the profile begins: time 0.
    start: Instant,
    detail: ProfileDetail,
    writer: Mutex<ProfileWriter>,
    /// The number of the next track, or of the next span that may overlap others.
    next_number: AtomicU64,
}

/// A row of the diagram: a thread, or another actor whose spans do not overlap or lie within each
/// other.
#[derive(Clone)]
pub struct ProfileTrack {
    file: Arc<ProfileFile>,
    number: u64,
}

/// An argument of a span: a name, and a number or text.
pub type ProfileArg = (&'static str, Value);

/// The time since the start of a span; nothing if there is no track to record it on.
pub struct ProfileTimer(Option<(ProfileTrack, Instant)>);

impl ProfileTimer {
    /// Starts a span now. Without a track, nothing is recorded.
    pub fn start(track: Option<&ProfileTrack>) -> ProfileTimer {
        ProfileTimer(track.map(|track| (track.clone(), Instant::now())))
    }

    /// Records the span until now. `args` is called only if there is a track.
    pub fn span(self, category: &str, name: &str, args: impl FnOnce() -> Vec<ProfileArg>) {
        if let Some((track, start)) = self.0 {
            track.span(category, name, start, args());
        }
    }

    /// Records the span until now as one that may overlap other spans of the track.
    pub fn overlapping_span(self, category: &str, name: &str) {
        let Some((track, start)) = self.0 else { return };
        let number = track.file.next_number();
        for (kind, time) in [("b", start), ("e", Instant::now())] {
            let ts = track.file.microseconds(time);
            track.write(TraceEvent { id: Some(number), ..track.event(category, name, kind, ts) });
        }
    }
}

/// An event of the Chrome trace format.
#[derive(Serialize)]
struct TraceEvent<'a> {
    name: Cow<'a, str>,
    /// The category.
    cat: &'a str,
    /// The kind: `X` a span, `b` and `e` the begin and end of a span that may overlap others, `M`
    /// metadata.
    ph: &'a str,
    /// When it begins, in microseconds.
    ts: f64,
    /// How long it takes, in microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    dur: Option<f64>,
    pid: u32,
    tid: u64,
    /// Connects the begin and the end of a span that may overlap others.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<u64>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    args: Map<String, Value>,
}

struct ProfileWriter {
    /// None after the end of the profile.
    out: Option<BufWriter<File>>,
    is_first: bool,
    /// The first error. Nothing is written after it.
    error: Option<io::Error>,
}

impl ProfileWriter {
    fn write(&mut self, event: &TraceEvent<'_>) {
        let Some(out) = self.out.as_mut().filter(|_| self.error.is_none()) else { return };
        let separator = if std::mem::take(&mut self.is_first) { "[\n" } else { ",\n" };
        let written = out
            .write_all(separator.as_bytes())
            .and_then(|()| Ok(serde_json::to_writer(&mut *out, event)?));
        self.error = written.err();
    }

    fn finish(&mut self) -> io::Result<()> {
        if let Some(error) = self.error.take() {
            self.out = None;
            return Err(error);
        }
        let Some(mut out) = self.out.take() else { return Ok(()) };
        out.write_all(if self.is_first { b"[]\n" } else { b"\n]\n" })?;
        out.flush()
    }
}

impl Profile {
    /// Creates the file, or replaces it. Its time begins now.
    ///
    /// # Errors
    /// The file cannot be created.
    pub fn create(path: &Path, detail: ProfileDetail) -> io::Result<Profile> {
        let out = Some(BufWriter::new(File::create(path)?));
        let writer = Mutex::new(ProfileWriter { out, is_first: true, error: None });
        let next_number = AtomicU64::new(1);
        let start = Instant::now();
        Ok(Profile(Arc::new(ProfileFile { start, detail, writer, next_number })))
    }

    /// A new track with this name. Tracks are shown in the order in which they were made.
    pub fn track(&self, name: &str) -> ProfileTrack {
        let file = Arc::clone(&self.0);
        let number = file.next_number();
        let track = ProfileTrack { file, number };
        track.metadata("thread_name", "name", name.into());
        track.metadata("thread_sort_index", "sort_index", number.into());
        track
    }

    /// Completes the file. Spans that are recorded later are dropped.
    ///
    /// # Errors
    /// The first error of writing the file.
    pub fn finish(&self) -> io::Result<()> {
        self.0.writer.lock().finish()
    }
}

impl ProfileFile {
    fn next_number(&self) -> u64 {
        self.next_number.fetch_add(1, Ordering::Relaxed)
    }

    /// A time in microseconds since the start; 0 before it.
    fn microseconds(&self, time: Instant) -> f64 {
        time.saturating_duration_since(self.start).as_nanos() as f64 / 1e3
    }
}

impl ProfileTrack {
    /// What the profile has spans of.
    pub fn detail(&self) -> ProfileDetail {
        self.file.detail
    }

    /// Records a span from `start` until now.
    pub fn span(&self, category: &str, name: &str, start: Instant, args: Vec<ProfileArg>) {
        let (ts, end) = (self.file.microseconds(start), self.file.microseconds(Instant::now()));
        let args = args.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let dur = Some(end - ts);
        self.write(TraceEvent { dur, args, ..self.event(category, name, "X", ts) });
    }

    fn metadata(&self, name: &str, key: &str, value: Value) {
        let args = Map::from_iter([(key.to_owned(), value)]);
        self.write(TraceEvent { args, ..self.event("__metadata", name, "M", 0.0) });
    }

    fn event<'a>(&self, cat: &'a str, name: &'a str, ph: &'a str, ts: f64) -> TraceEvent<'a> {
        let (name, args) = (name.into(), Map::new());
        TraceEvent { name, cat, ph, ts, dur: None, pid: PROCESS, tid: self.number, id: None, args }
    }

    fn write(&self, event: TraceEvent<'_>) {
        self.file.writer.lock().write(&event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(path: &Path) -> Vec<Value> {
        let text = std::fs::read_to_string(path).expect("the file");
        serde_json::from_str(&text).expect("JSON")
    }

    #[test]
    fn a_profile_is_an_array_of_events() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("profile.json");
        let profile = Profile::create(&path, ProfileDetail::Phases).expect("it can be created");
        let start = Instant::now();
        let tracks = ["cog", "driver \"0\""].map(|name| profile.track(name));
        let args = vec![("inputs", 2.into()), ("why", "quoted \"x\"".into())];
        tracks[0].span("event", "a", start, args);
        for _ in 0..2 {
            ProfileTimer::start(Some(&tracks[1])).overlapping_span("log", "b");
        }
        ProfileTimer::start(None).span("event", "none", || unreachable!("there is no track"));
        profile.finish().expect("written");
        tracks[0].span("event", "late", start, Vec::new());
        profile.finish().expect("nothing left to write");

        let events = events(&path);
        assert_eq!(events.len(), 9);
        assert!(events.iter().all(|event| event["pid"] == 1));
        assert_eq!(events[2]["args"]["name"], "driver \"0\"");
        let span = &events[4];
        assert_eq!(
            (&span["ph"], &span["name"], &span["tid"]),
            (&"X".into(), &"a".into(), &1.into())
        );
        assert_eq!(span["args"], serde_json::json!({"inputs": 2, "why": "quoted \"x\""}));
        assert!(span["dur"].as_f64().is_some_and(|dur| dur >= 0.0));
        let kinds: Vec<&str> =
            events[5..].iter().filter_map(|event| event["ph"].as_str()).collect();
        assert_eq!(kinds, ["b", "e", "b", "e"]);
        let numbers: Vec<&Value> = events[5..].iter().map(|event| &event["id"]).collect();
        assert!(numbers[0] == numbers[1] && numbers[2] == numbers[3] && numbers[1] != numbers[2]);
        assert!(events[6]["ts"].as_f64() >= events[5]["ts"].as_f64());
    }

    #[test]
    fn an_empty_profile_is_an_empty_array() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("profile.json");
        Profile::create(&path, ProfileDetail::Phases)
            .and_then(|profile| profile.finish())
            .expect("written");
        assert_eq!(events(&path), [Value::Null; 0]);
    }

    #[test]
    fn a_full_disk_is_reported_at_the_end() {
        let profile =
            Profile::create(Path::new("/dev/full"), ProfileDetail::Phases).expect("a device");
        let track = profile.track("cog");
        for _ in 0..10_000 {
            track.span("event", "a", Instant::now(), Vec::new());
        }
        assert!(profile.finish().is_err());
        assert!(profile.finish().is_ok(), "it is reported once");
    }
}
