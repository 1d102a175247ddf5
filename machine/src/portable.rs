//! Pins in the form in which they travel from store to store: germs.

use persist::transfer::PinCodec;
use std::sync::Arc;
use vm::jet::JetTable;
use vm::pinspace::{Frozen, PinSpace};
use vm::{Hash, Options, Val, Vm, seed};

/// Makes germs of frozen pins and frozen pins of germs, in the memory of one pin.
pub struct Germs(Vm);

impl Germs {
    /// A heap for doing it.
    ///
    /// # Errors
    /// If the system does not grant the addresses of a stack.
    pub fn new() -> std::io::Result<Germs> {
        Ok(Germs(Vm::new(Options::default(), Arc::new(JetTable::default()))?))
    }
}

impl PinCodec for Germs {
    fn encode(&mut self, pin: &Frozen) -> Result<(Vec<persist::PinHash>, Vec<u8>), String> {
        let pin = self.0.adopt(pin);
        let (edges, body) = seed::save_germ(&self.0, &pin).map_err(|error| error.to_string())?;
        Ok((edges.into_iter().map(Into::into).collect(), body))
    }

    fn decode(
        &mut self,
        space: &Arc<PinSpace>,
        hash: &persist::PinHash,
        edges: &[persist::PinHash],
        body: &[u8],
    ) -> Result<Frozen, String> {
        let Germs(vm) = self;
        let holes = edges.iter().map(|edge| hole(vm, space, Hash(*edge)));
        let holes = holes.collect::<Result<Vec<Val>, String>>()?;
        let item = seed::load_germ(vm, &holes, body).map_err(|error| error.to_string())?;
        let found = vm.hash(&item).map_err(|stop| stop.to_string())?;
        if found != Hash(*hash) {
            return Err(format!("its value has the hash {found}"));
        }
        let pin = vm.pin(&item).map_err(|stop| stop.to_string())?;
        vm.freeze(&pin, space).map_err(|error| error.to_string())
    }
}

/// The pin for a hole.
fn hole(vm: &mut Vm, space: &Arc<PinSpace>, hash: Hash) -> Result<Val, String> {
    match space.find(&hash).map_err(|error| error.to_string())? {
        Some(found) => Ok(vm.adopt(&found)),
        None => Err(format!("it refers to pin {hash}, which does not come before it")),
    }
}
