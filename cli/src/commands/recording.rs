//! The profile of a command: `--profile-output`.

use crate::args::ProfileOptions;
use anyhow::Context;
use profile::Profile;
use sire::Sire;
use std::path::PathBuf;

/// The profile of this process, if the options ask for one.
pub(crate) struct ProfileRecording(Option<(Profile, PathBuf)>);

impl ProfileRecording {
    /// Creates the file, and records compilations from now on.
    pub(super) fn start(options: &ProfileOptions) -> anyhow::Result<ProfileRecording> {
        let Some(path) = options.profile_output.clone() else {
            if options.profile_laws {
                eprintln!("pallas: --profile-laws has no effect without --profile-output FILE");
            }
            jit::on_unit(log_compilation);
            return Ok(ProfileRecording(None));
        };
        let detail = options.detail();
        let profile = Profile::create(&path, detail)
            .with_context(|| format!("cannot write {}", path.display()))?;
        let track = profile.track("compiler");
        jit::on_unit(move |unit| {
            log_compilation(unit);
            let args = vec![("published", unit.is_published.into()), ("bytes", unit.bytes.into())];
            track.span("compilation", unit.law, unit.start, args);
        });
        Ok(ProfileRecording(Some((profile, path))))
    }

    /// The profile.
    pub(super) fn profile(&self) -> Option<Profile> {
        self.0.as_ref().map(|(profile, _)| profile.clone())
    }

    /// Records what a session does.
    pub(super) fn record(&self, sire: &mut Sire) {
        if let Some((profile, _)) = &self.0 {
            sire.record(profile.track("sire"));
        }
    }

    /// Completes the file after the command has ended with this result.
    pub(super) fn finish<T>(self, result: anyhow::Result<T>) -> anyhow::Result<T> {
        let Some((profile, path)) = self.0 else { return result };
        let finished = profile.finish().with_context(|| format!("cannot write {}", path.display()));
        // The first error is the one to report.
        result.and_then(|value| finished.map(|()| value))
    }
}

/// Logs that the compiler has finished a unit.
fn log_compilation(unit: &jit::UnitReport<'_>) {
    let jit::UnitReport { law, is_published, bytes, start } = unit;
    tracing::debug!(law, is_published, bytes, took = ?start.elapsed(), "unit compiled");
}
