//! The pages. Each module makes one kind; [`layout`] has what all share.

mod layout;
mod log;
mod overview;
mod set_aside;
mod state;
mod workers;

use crate::question::{PageError, Question};
use crate::reading::StoreReading;
pub(crate) use layout::{Page, error_page, html};

/// Makes the page for a question.
pub(crate) fn page(reading: &mut StoreReading<'_>, question: &Question) -> Result<Page, PageError> {
    match question {
        Question::Overview => overview::overview(reading),
        Question::Disk => overview::disk(reading),
        Question::Log { before } => log::log(reading, *before),
        Question::Event(event) => log::event(reading, *event),
        Question::State { event, path, from } => state::state(reading, *event, path, *from),
        Question::Workers { from } => workers::workers(reading, *from),
        Question::SetAside => set_aside::set_aside(reading),
    }
}
