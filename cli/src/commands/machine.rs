//! `boot` and `start`.
use crate::args::{Boot, Start};
pub(crate) fn boot(_: Boot) -> anyhow::Result<()> { anyhow::bail!("later") }
pub(crate) fn start(_: Start) -> anyhow::Result<()> { anyhow::bail!("later") }
