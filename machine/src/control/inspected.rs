//! [`InspectedStore`]: a store that is inspected, whether or not its machine is running.

use super::client::{ControlClient, ControlError};
use persist::{OpenError, StoreInspection};
use std::path::Path;

/// A store that is being inspected: locked, or as a view of a running machine.
pub struct InspectedStore {
    /// The store's files as they are now.
    pub inspection: StoreInspection,
    client: Option<ControlClient>,
}

/// Why a store cannot be inspected.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    /// The store cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The machine that runs in it does not give a view.
    #[error(transparent)]
    Control(#[from] ControlError),
}

impl InspectedStore {
    /// Locks the store in a directory, or asks the machine that runs in it for a view.
    ///
    /// # Errors
    /// See [`InspectError`].
    pub fn open(directory: &Path) -> Result<InspectedStore, InspectError> {
        let in_use = match StoreInspection::open(directory) {
            Ok(inspection) => return Ok(InspectedStore { inspection, client: None }),
            Err(error @ OpenError::InUse { .. }) => error,
            Err(error) => return Err(error.into()),
        };
        // Another command may have the lock, or a machine that has no socket.
        let Ok(mut client) = ControlClient::connect(directory) else { return Err(in_use.into()) };
        let inspection = client.inspect()?;
        Ok(InspectedStore { inspection, client: Some(client) })
    }

    /// Whether a machine runs in the store.
    pub fn is_running(&self) -> bool {
        self.client.is_some()
    }

    /// Fails if what was inspected may have changed meanwhile, because the machine has ended.
    ///
    /// # Errors
    /// See [`ControlError`].
    pub fn confirm(&mut self) -> Result<(), ControlError> {
        self.client.as_mut().map_or(Ok(()), ControlClient::confirm)
    }
}
