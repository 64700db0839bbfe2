//! Signals: what a person, a terminal or an init system sends to have a command end.

use terrarium_core::Cancel;

/// A signal that asks a process to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGINT: somebody pressed Ctrl-C.
    Interrupt,
    /// SIGTERM: an init system stops the service.
    Terminate,
    /// SIGHUP: the terminal is gone.
    HangUp,
}

/// What a signal makes of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Calls under way are finished and recorded; nothing more is begun.
    Finishes,
    /// It is left at once: the journal knows what is under way.
    Leaves,
}

/// Turns signals into requests to stop, whatever their order and kind: the second means what a second Ctrl-C means.
#[derive(Debug)]
pub struct Stop {
    cancel: Cancel,
    heard: bool,
}

impl Stop {
    /// Builds one that asks this way.
    pub fn new(cancel: Cancel) -> Self {
        Self { cancel, heard: false }
    }

    /// Obeys a signal.
    pub fn obey(&mut self, _signal: Signal) -> Manner {
        self.cancel.raise();
        if std::mem::replace(&mut self.heard, true) { Manner::Leaves } else { Manner::Finishes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_signal_is_urgent_whatever_the_first_was() {
        for second in [Signal::Interrupt, Signal::Terminate, Signal::HangUp] {
            let cancel = Cancel::default();
            let mut stop = Stop::new(cancel.clone());
            assert_eq!(stop.obey(Signal::HangUp), Manner::Finishes);
            assert!(cancel.is_raised() && !cancel.is_urgent());
            assert_eq!(stop.obey(second), Manner::Leaves);
            assert!(cancel.is_urgent());
        }
    }
}
