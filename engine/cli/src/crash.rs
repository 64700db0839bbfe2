//! What is said where Terrarium itself is wrong: a panic is a bug, and its user needs words and an exit code.

use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use terrarium_diagnostic::{Diagnostic, Sources};

use crate::env::{Env, RUST_BACKTRACE};
use crate::output::{Colour, Output};
use crate::redact::Redactor;
use crate::render::diagnostics::{Warnings, text};
use crate::{codes, exit_codes};

/// Runs a command. A panic, on whatever thread, is told as an internal error and ends with exit code 1.
///
/// The panic's own words may quote values, so they are shown only where [`RUST_BACKTRACE`] asks for them.
pub fn guard(env: &Env, run: impl FnOnce() -> u8) -> u8 {
    let panicked = Arc::new(AtomicBool::new(false));
    let seen = panicked.clone();
    let raw = std::panic::take_hook();
    let debug = env.get(RUST_BACKTRACE).is_some_and(|value| value != "0");
    std::panic::set_hook(Box::new(move |info| {
        if debug {
            raw(info);
        }
        // One bug often brings down one thread after the other.
        if !seen.swap(true, Ordering::SeqCst) {
            tell(info);
        }
    }));
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(exit_codes::SUCCESS) if panicked.load(Ordering::SeqCst) => exit_codes::ERROR,
        Ok(code) => code,
        Err(_) => exit_codes::ERROR,
    }
}

fn tell(info: &PanicHookInfo<'_>) {
    let place = info.location().map(|place| format!(" at {}:{}", place.file(), place.line()));
    let error = Diagnostic::error(codes::INTERNAL, "Internal error")
        .detail(format!(
            "Terrarium {} came to a state{} that its authors held to be impossible. This is a bug in Terrarium, not a \
             mistake of yours. What this run had recorded is kept.",
            env!("CARGO_PKG_VERSION"),
            place.unwrap_or_default()
        ))
        .help(format!(
            "Report it with this text, the command, and what it was run on. With {RUST_BACKTRACE}=1 in the environment \
             the same command shows more; read that before you send it, since it may show values. An apply that was \
             broken off is taken up by the next one."
        ));
    let out = Output::new(Colour::Auto, Redactor::default());
    let told = text(&error.into(), (&Sources::default(), &out.redactor), Warnings::Whole);
    out.talk(told.trim_end_matches('\n'));
}
