//! Jets that save values as seeds and germs (bars) and load them; see [`plan::seed`].
//!
//! If the input is not a well-formed seed, the law runs, because the laws accept some malformed
//! input.

use crate::args::{return_small, row_len};
use crate::declare::{Jet, JetResult, native};
use plan::seed::{
    LoadError, LoadProblem, SaveError, load, load_germ, save_as_law, save_germ_as_law,
};
use plan::{EvalError, Shape, Val};
use vm::jet::ArgDemand::{Head, Lazy, Normal};
use vm::jet::{JetAnswer, JetCall};

pub(crate) const JETS: &[Jet] = &[
    native("_SaveSeed", &[Normal], save_seed),
    native("_SaveGerm", &[Head], save_pin),
    native("_LoadSeed", &[Head], load_seed),
    native("_LoadGerm", &[Lazy, Head], load_pin),
];

/// The evaluation error for a failed save. The arguments are in normal form (and pins), so only
/// size limits and interrupts occur.
fn save_error(error: SaveError) -> EvalError {
    match error {
        SaveError::PinTooLarge { parts } => EvalError::TooLarge { parts },
        SaveError::Interrupted => EvalError::Interrupted,
        SaveError::TooLarge | SaveError::NotNormal | SaveError::NotAPin => EvalError::OutOfMemory,
    }
}

fn save_seed(call: &mut JetCall<'_>) -> JetResult {
    let value = call.hold(0);
    let bytes = save_as_law(call.heap(), &value).map_err(save_error)?;
    call.push_bar(&bytes)?;
    Ok(JetAnswer::Done)
}

/// Returns the pair of the row of pins that a pin refers to and the bar of the rest; 0 for a value
/// that is not a pin.
fn save_pin(call: &mut JetCall<'_>) -> JetResult {
    if !matches!(call.arg(0).shape(), Shape::Pin(_)) {
        return return_small(call, 0);
    }
    let pin = call.hold(0);
    let (pins, bytes) = save_germ_as_law(call.heap(), &pin).map_err(save_error)?;
    call.room_for(pins.len() + 4)?;
    pins.iter().for_each(|pin| call.push(pin));
    call.row(pins.len())?;
    call.push_bar(&bytes)?;
    call.row(2)?;
    Ok(JetAnswer::Done)
}

/// Returns the loaded value; answers [`JetAnswer::Law`] if the input is malformed.
fn return_loaded(call: &mut JetCall<'_>, loaded: Result<Val, LoadError>) -> JetResult {
    match loaded {
        Ok(value) => {
            call.push(&value);
            Ok(JetAnswer::Done)
        }
        Err(LoadError { problem: LoadProblem::Eval(stop), .. }) => Err(stop),
        Err(_) => Ok(JetAnswer::Law),
    }
}

fn load_seed(call: &mut JetCall<'_>) -> JetResult {
    let Some(bytes) = call.arg(0).as_bar().map(<[u8]>::to_vec) else { return Ok(JetAnswer::Law) };
    let loaded = load(call.heap(), &bytes);
    return_loaded(call, loaded)
}

/// `_LoadGerm pins bar`: restores the pin. The law evaluates a pin only if the bar refers to it, so
/// it runs if the pins are not all evaluated.
fn load_pin(call: &mut JetCall<'_>) -> JetResult {
    if !call.is_evaluated_at(0) {
        return Ok(JetAnswer::Law);
    }
    let (Some(count), Some(bytes)) = (row_len(call, 0), call.arg(1).as_bar()) else {
        return Ok(JetAnswer::Law);
    };
    let bytes = bytes.to_vec();
    let items = call.arg(0).as_row().into_iter().flat_map(|row| row.iter());
    let pins = items.filter(|item| matches!(item.shape(), Shape::Pin(_)));
    let pins: Vec<Val> = pins.map(|pin| call.hold_value(pin)).collect();
    if pins.len() < count {
        return Ok(JetAnswer::Law);
    }
    match load_germ(call.heap(), &pins, &bytes) {
        Ok(item) => {
            let pin = call.pin(&item)?;
            call.push(&pin);
            Ok(JetAnswer::Done)
        }
        failed => return_loaded(call, failed),
    }
}
