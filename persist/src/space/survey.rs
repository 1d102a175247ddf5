//! A survey of a pin store: what is on disk, and what the index lacks. Changes nothing.

use super::body::{self, BodyFile};
use super::catalogue::{CatalogueRecord, HighWaterMark};
use super::catalogue_reader::{CatalogueReader, LiveEntries, catalogue_error, survey_catalogue};
use super::index::PinIndex;
use super::index_state::IndexState;
use super::indexing::{self, IndexProgress};
use super::pin_files::{CATALOGUE_SEGMENT, CatalogueWriter, PinFiles};
use crate::context::StoreContext;
use crate::error::{OpenError, StoreReadError};
use crate::journal::{JournalKind, JournalSurvey, JournalWriter};

/// The state of a pin store on disk.
pub(crate) struct PinSurvey {
    context: StoreContext,
    recovery: IndexRecovery,
    catalogue: JournalSurvey,
    bodies: Vec<BodyFile>,
    /// The state of the index after it has caught up with the catalogue.
    target: IndexState,
}

/// How the index is brought up to date.
enum IndexRecovery {
    /// The index covers the whole catalogue.
    UpToDate(PinIndex),
    /// The index lacks the groups after its state.
    CatchUp(IndexState, PinIndex, CatalogueReader),
    /// The index is missing or damaged.
    Rebuild(CatalogueReader, LiveEntries),
}

impl PinSurvey {
    /// Surveys a pin store. The caller guarantees that the first `proven` groups were durable.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub(crate) fn scan(context: &StoreContext, proven: u64) -> Result<Self, OpenError> {
        let found = match IndexState::read(context) {
            Some((state, shape)) => {
                PinIndex::open(&context.disk, shape)?.map(|index| (state, index))
            }
            None => None,
        };
        let covers = found.as_ref().map_or(0, |(state, _)| state.covers);
        let catalogue = survey_catalogue(context, covers, proven).map_err(catalogue_error)?;
        let last = catalogue.last.next - 1;
        let reader = || CatalogueReader::new(&catalogue.segments, last).map_err(catalogue_error);
        let (recovery, target) = match found {
            Some((state, index)) if last == covers => (IndexRecovery::UpToDate(index), state),
            Some((state, index)) => {
                let reader = reader()?;
                let target = state_after(&reader, state).map_err(catalogue_error)?;
                (IndexRecovery::CatchUp(state, index, reader), target)
            }
            None => {
                let reader = reader()?;
                let live = reader.find_live().map_err(catalogue_error)?;
                let (high_water, gaps) = (live.summary.high_water, live.summary.gaps);
                let target = IndexState { covers: last, high_water, gaps };
                (IndexRecovery::Rebuild(reader, live), target)
            }
        };
        let bodies = body::open_all(context, target.high_water.end)?;
        Ok(Self { context: context.clone(), recovery, catalogue, bodies, target })
    }

    /// Returns the body files.
    pub(crate) fn bodies(&self) -> &[BodyFile] {
        &self.bodies
    }

    /// Opens the pin store that was surveyed. The index gets what it lacks: usually nothing, the
    /// newest groups after a crash, and everything if it was lost.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub(crate) fn resume(self) -> Result<PinFiles, OpenError> {
        let Self { context, recovery, catalogue, bodies, target } = self;
        let (progress, index) = match recovery {
            IndexRecovery::UpToDate(index) => (IndexProgress::up_to_date(target), index),
            IndexRecovery::CatchUp(state, mut index, reader) => {
                match indexing::catch_up(state, target.gaps, &mut index, &reader) {
                    Err(OpenError::Disk(error)) if error.is_read() => {
                        let live = reader.find_live().map_err(catalogue_error)?;
                        let index = indexing::rebuild(&context, &reader, &live, target)?;
                        (IndexProgress::up_to_date(target), index)
                    }
                    progress => (progress?, index),
                }
            }
            IndexRecovery::Rebuild(reader, live) => {
                let index = indexing::rebuild(&context, &reader, &live, target)?;
                (IndexProgress::up_to_date(target), index)
            }
        };
        let (kind, limit) = (JournalKind::CATALOGUE, CATALOGUE_SEGMENT);
        let journal = JournalWriter::resume(context.clone(), kind, limit, catalogue)?;
        let catalogue = CatalogueWriter::new(journal, progress);
        Ok(PinFiles::new(context, bodies, index, target.high_water, catalogue))
    }
}

/// Returns the state of an index in `state` after it has caught up with the catalogue.
fn state_after(
    reader: &CatalogueReader,
    mut state: IndexState,
) -> Result<IndexState, StoreReadError> {
    let covers = state.covers;
    for sequence in reader.sequences().skip_while(|sequence| *sequence <= covers) {
        reader.read(sequence, |record| {
            match record {
                CatalogueRecord::Group(high_water, _) => state.high_water = high_water,
                CatalogueRecord::Gaps(gaps) => {
                    state.high_water = HighWaterMark { end: gaps.end, fill: 0 };
                    state.gaps = sequence;
                }
                CatalogueRecord::Copy(_) => {}
            }
            Ok(())
        })?;
        state.covers = sequence;
    }
    Ok(state)
}
