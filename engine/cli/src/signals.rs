//! The signals that ask a process to end: listened to from the first on, so that none is lost between two.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use terrarium_core::Cancel;
use terrarium_drive::{Manner, Signal, Stop};
use tokio::signal::unix::{self, SignalKind};
use tokio::sync::Notify;

use crate::context::Context;

/// How long a command has to leave by itself after a second signal: to write down what it knows by then.
const GRACE: Duration = Duration::from_secs(3);

/// The signals of this process.
struct Signals {
    interrupt: Option<unix::Signal>,
    terminate: Option<unix::Signal>,
    /// `None` where it is ignored: whoever started this with `nohup` wants it to outlive the terminal.
    hang_up: Option<unix::Signal>,
}

impl Signals {
    /// Listens from now on. What can't be listened to does what it does by default.
    fn listen() -> Self {
        let listen = |kind| unix::signal(kind).ok();
        let hang_up = (!ignores_hang_up()).then(|| listen(SignalKind::hangup())).flatten();
        Self {
            interrupt: listen(SignalKind::interrupt()),
            terminate: listen(SignalKind::terminate()),
            hang_up,
        }
    }

    /// Returns the next one.
    async fn next(&mut self) -> Signal {
        tokio::select! {
            () = arrives(&mut self.interrupt) => Signal::Interrupt,
            () = arrives(&mut self.terminate) => Signal::Terminate,
            () = arrives(&mut self.hang_up) => Signal::HangUp,
        }
    }
}

async fn arrives(signal: &mut Option<unix::Signal>) {
    let arrived = match signal {
        Some(signal) => signal.recv().await,
        None => None,
    };
    if arrived.is_none() {
        std::future::pending::<()>().await;
    }
}

/// Returns whether this process was started with SIGHUP ignored; listening to it would end that.
fn ignores_hang_up() -> bool {
    std::fs::read_to_string("/proc/self/status").is_ok_and(|status| ignored(&status))
}

/// Reads SIGHUP, the first bit, from the mask of ignored signals in `/proc/PID/status`.
fn ignored(status: &str) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & 1 == 1)
}

/// Whether a command is left where it stands.
#[derive(Clone, Debug, Default)]
pub struct Leaving(Arc<(AtomicBool, Notify)>);

impl Leaving {
    fn raise(&self) {
        self.0.0.store(true, Ordering::SeqCst);
        self.0.1.notify_waiters();
    }

    /// Returns whether it is left.
    pub(crate) fn is_raised(&self) -> bool {
        self.0.0.load(Ordering::SeqCst)
    }

    /// Returns once it is to be left.
    pub(crate) async fn raised(&self) {
        loop {
            let raised = self.0.1.notified();
            if self.is_raised() {
                return;
            }
            raised.await;
        }
    }
}

/// Turns signals into requests to stop: the first is polite, the second urgent, and whoever does not go then, or gets
/// a third, is left where it stands. What is under way is in the journal.
pub(crate) fn stop_on_signal(context: &Context) -> Cancel {
    let cancel = Cancel::default();
    let (mut stop, mut signals) = (Stop::new(cancel.clone()), Signals::listen());
    let (out, leaving) = (context.out.clone(), context.leaving.clone());
    tokio::spawn(async move {
        while stop.obey(signals.next().await) == Manner::Finishes {
            out.talk("\nInterrupt received. Calls under way are finished and recorded, and nothing more is begun; what services are at work\non, the next run follows. A second interrupt stops waiting, too.");
        }
        out.talk("\nTwo interrupts received. Not waiting any longer: the next run finds out how it ended.");
        tokio::select! {
            () = tokio::time::sleep(GRACE) => {}
            _third = signals.next() => {}
        }
        leaving.raise();
    });
    cancel
}

/// Returns once the process is asked to stop.
pub(crate) async fn signal() {
    Signals::listen().next().await;
}

#[cfg(test)]
mod tests {
    use super::ignored;

    #[test]
    fn nohup_is_seen_in_the_mask_of_ignored_signals() {
        assert!(ignored("Name:\tterrarium\nSigBlk:\t0\nSigIgn:\t0000000000001001\n"));
        assert!(!ignored("Name:\tterrarium\nSigIgn:\t0000000000001000\nSigCgt:\t01\n"));
        assert!(!ignored(""));
    }
}
