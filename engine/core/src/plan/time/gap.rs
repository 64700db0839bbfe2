//! **What goes with a replaced lender goes now and comes back.** A lease is replaced beside the servers that run on it,
//! unless its successor fits only on what it frees: then it must go first, and everything on it goes down, with a
//! gap in between. Nobody gets that without having said so (`-allow-gap`).

use terrarium_address::ResourceAddr;
use terrarium_diagnostic::Diagnostic;

use crate::{ReplaceOrder, codes};

/// Returns the order of a replacement.
///
/// `carries`: others may sit on it, so that it is replaced under them only when its successor can carry them.
/// `gap`: why its successor can't be there beside it.
pub(crate) fn goes_down(create_first: bool, carries: bool, gap: Option<&str>) -> ReplaceOrder {
    let needs_gap = carries && gap.is_some();
    if (create_first || carries) && !needs_gap {
        ReplaceOrder::CreateFirst
    } else {
        ReplaceOrder::DeleteFirst
    }
}

/// A lender that goes before its successor comes.
pub(crate) struct Downfall<'d> {
    pub(crate) addr: &'d ResourceAddr,
    /// Why.
    pub(crate) gap: &'d str,
    /// What is recorded to sit on it.
    pub(crate) seated: &'d [&'d ResourceAddr],
    /// When its successor comes, as people read it; `None`: at once.
    pub(crate) back: Option<String>,
}

impl Downfall<'_> {
    /// Tells it: as an error, unless it was asked for.
    pub(crate) fn told(&self, allowed: bool) -> Diagnostic {
        let diagnostic = if allowed { Diagnostic::warning } else { Diagnostic::error };
        let comes = match &self.back {
            Some(at) => format!("at {at}"),
            None => "once its successor is active".to_owned(),
        };
        let told = diagnostic(codes::GAP, "Replacement with a gap")
            .detail(format!(
                "{}: {}. {}, and comes back {comes}.",
                self.addr,
                self.gap.trim_end_matches('.'),
                self.going()
            ))
            .about(self.addr.clone());
        if allowed {
            return told;
        }
        told.help(
            "say -allow-gap to destroy it first, or choose dates or hosts that leave it standing",
        )
    }

    fn going(&self) -> String {
        match self.seated {
            [] => "What sits on it goes down now".to_owned(),
            [one] => format!("{one} goes down now"),
            [one, others @ ..] => {
                format!("What sits on it, {one} and {} more, goes down now", others.len())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::cases::addr;
    use super::*;

    #[test]
    fn a_successor_comes_first_where_it_can() {
        use ReplaceOrder::{CreateFirst, DeleteFirst};
        for (create_first, carries, gap, order) in [
            (false, false, None, DeleteFirst),
            (true, false, None, CreateFirst),
            (false, true, None, CreateFirst),
            (false, true, Some("full"), DeleteFirst),
            (true, true, Some("full"), DeleteFirst),
            (true, false, Some("full"), CreateFirst),
        ] {
            assert_eq!(goes_down(create_first, carries, gap), order);
        }
    }

    #[test]
    fn a_gap_is_an_error_unless_it_was_asked_for() {
        let lender = addr("a.lease");
        let (one, two) = (addr("a.s[0]"), addr("a.s[1]"));
        let seated = [&one, &two];
        let fall = Downfall { addr: &lender, gap: "full.", seated: &seated, back: None };
        assert!(fall.told(false).is_error() && !fall.told(true).is_error());
        assert_eq!(
            fall.told(true).detail,
            "a.lease: full. What sits on it, a.s[0] and 1 more, goes down now, and comes back once its successor is \
             active."
        );
    }
}
