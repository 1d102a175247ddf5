//! Seeds and germs: values as bars. See [`plan::seed`].
//!
//! What is not in the form of a seed is left to the laws, which read some of it all the same.

use crate::args::{return_small, row_len};
use crate::declare::{Jet, JetResult, native};
use plan::seed::{
    LoadError, LoadProblem, SaveError, load, load_germ, save_as_law, save_germ_as_law,
};
use plan::{EvalError, Shape, Val};
use vm::jet::Demand::{Head, Lazy, Normal};
use vm::jet::{Answer, Call};

pub(crate) const JETS: &[Jet] = &[
    native("_SaveSeed", &[Normal], save_seed),
    native("_SaveGerm", &[Head], save_pin),
    native("_LoadSeed", &[Head], load_seed),
    native("_LoadGerm", &[Lazy, Head], load_pin),
];

/// The end of a call that cannot save: only of what is too large, or if somebody asked for it.
fn save_error(error: SaveError) -> EvalError {
    match error {
        SaveError::PinTooLarge { parts } => EvalError::TooLarge { parts },
        SaveError::Interrupted => EvalError::Interrupted,
        SaveError::TooLarge | SaveError::NotNormal | SaveError::NotAPin => EvalError::OutOfMemory,
    }
}

fn save_seed(call: &mut Call<'_>) -> JetResult {
    let value = call.hold(0);
    let bytes = save_as_law(call.vm(), &value).map_err(save_error)?;
    call.push_bar(&bytes)?;
    Ok(Answer::Done)
}

/// The row of the pins that a pin refers to, and the bar of the rest; 0 for what is no pin.
fn save_pin(call: &mut Call<'_>) -> JetResult {
    if !matches!(call.arg(0).shape(), Shape::Pin(_)) {
        return return_small(call, 0);
    }
    let pin = call.hold(0);
    let (pins, bytes) = save_germ_as_law(call.vm(), &pin).map_err(save_error)?;
    call.room_for(pins.len() + 4)?;
    pins.iter().for_each(|pin| call.push(pin));
    call.row(pins.len())?;
    call.push_bar(&bytes)?;
    call.row(2)?;
    Ok(Answer::Done)
}

/// Ends with what has been loaded, or leaves it to the law.
fn return_loaded(call: &mut Call<'_>, loaded: Result<Val, LoadError>) -> JetResult {
    match loaded {
        Ok(value) => {
            call.push(&value);
            Ok(Answer::Done)
        }
        Err(LoadError { problem: LoadProblem::Eval(stop), .. }) => Err(stop),
        Err(_) => Ok(Answer::Law),
    }
}

fn load_seed(call: &mut Call<'_>) -> JetResult {
    let Some(bytes) = call.arg(0).as_bar().map(<[u8]>::to_vec) else { return Ok(Answer::Law) };
    let loaded = load(call.vm(), &bytes);
    return_loaded(call, loaded)
}

/// `_LoadGerm pins bar`: the pin again. The law looks at the pins only where a hole asks for them, so
/// those that are not evaluated are left to it.
fn load_pin(call: &mut Call<'_>) -> JetResult {
    if !call.settle(0) {
        return Ok(Answer::Law);
    }
    let (Some(count), Some(bytes)) = (row_len(call, 0), call.arg(1).as_bar()) else {
        return Ok(Answer::Law);
    };
    let bytes = bytes.to_vec();
    let items = call.arg(0).as_row().into_iter().flat_map(|row| row.iter());
    let pins = items.filter(|item| matches!(item.shape(), Shape::Pin(_)));
    let pins: Vec<Val> = pins.map(|pin| call.hold_value(pin)).collect();
    if pins.len() < count {
        return Ok(Answer::Law);
    }
    match load_germ(call.vm(), &pins, &bytes) {
        Ok(item) => {
            let pin = call.vm().pin(&item)?;
            call.push(&pin);
            Ok(Answer::Done)
        }
        failed => return_loaded(call, failed),
    }
}
