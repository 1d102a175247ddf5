//! Pins in the form in which they move from one store to another: germs.

use persist::transfer::PinCodec;
use plan::pinspace::{FrozenPin, PinSpace};
use plan::{Hash, HeapOptions, Val, seed};
use std::sync::Arc;
use vm::Vm;
use vm::jet::JetTable;

/// Encodes frozen pins as germs and decodes them. It needs the memory of one pin.
pub struct GermCodec(Vm);

impl GermCodec {
    /// A codec with a heap of its own.
    ///
    /// # Errors
    /// The system refuses the address space of the heap's stack.
    pub fn new() -> std::io::Result<GermCodec> {
        Ok(GermCodec(Vm::new(HeapOptions::default(), Arc::new(JetTable::default()))?))
    }
}

impl PinCodec for GermCodec {
    fn encode(&mut self, pin: &FrozenPin) -> Result<(Vec<persist::PinHash>, Vec<u8>), String> {
        let GermCodec(vm) = self;
        let pin = vm.adopt(pin);
        let germ = seed::save_germ(vm, &pin);
        // A damaged pin reads as 0, which has a germ too.
        vm.check_damage().map_err(|stop| stop.to_string())?;
        let (edges, body) = germ.map_err(|error| error.to_string())?;
        Ok((edges.into_iter().map(Into::into).collect(), body))
    }

    fn decode(
        &mut self,
        space: &Arc<PinSpace>,
        hash: &persist::PinHash,
        edges: &[persist::PinHash],
        body: &[u8],
    ) -> Result<FrozenPin, String> {
        let GermCodec(vm) = self;
        let pins = edges.iter().map(|edge| find(vm, space, Hash(*edge)));
        let pins = pins.collect::<Result<Vec<Val>, String>>()?;
        let item = seed::load_germ(vm, &pins, body).map_err(|error| error.to_string())?;
        let found = vm.hash(&item).map_err(|stop| stop.to_string())?;
        if found != Hash(*hash) {
            return Err(format!("its value has the hash {found}"));
        }
        let pin = vm.pin(&item).map_err(|stop| stop.to_string())?;
        vm.freeze(&pin, space).map_err(|error| error.to_string())
    }
}

/// Finds a pin that a germ refers to.
fn find(vm: &mut Vm, space: &Arc<PinSpace>, hash: Hash) -> Result<Val, String> {
    match space.find(&hash).map_err(|error| error.to_string())? {
        Some(found) => Ok(vm.adopt(&found)),
        None => Err(format!("it refers to pin {hash}, which does not come before it")),
    }
}
