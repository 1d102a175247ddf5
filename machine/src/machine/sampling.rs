//! The event loop's side of a profile of the running machine.

use super::Machine;
use crate::message::ProfileRequest;
use crate::sampling::send_profile;

impl Machine {
    /// Begins a profile, unless one is being taken.
    pub(super) fn begin_profile(&mut self, request: ProfileRequest) {
        let ProfileRequest { options, begun, profiles } = request;
        let started = match self.profiles {
            Some(_) => Err("another profile is being taken".to_owned()),
            None => self.cog.parts().0.start_sampling(options).map_err(|error| error.to_string()),
        };
        if started.is_ok() {
            self.pool.begin_profile(options);
            self.profiles = Some(profiles);
        }
        // If the client has gone, the profile goes on until its end is requested.
        let _ = begun.send(started);
    }

    /// Ends the profile that is being taken.
    pub(super) fn end_profile(&mut self) {
        let Some(profiles) = self.profiles.take() else { return };
        send_profile(self.cog.parts().0, "(cog)", &profiles);
        self.pool.end_profile(&profiles);
    }
}
