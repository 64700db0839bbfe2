//! The diagnostic codes of this crate: T11xx.

use terrarium_diagnostic::{Code, CodeRow};

macro_rules! codes {
    ($($name:ident = $code:literal, $title:literal, $explanation:literal;)*) => {
        $(#[doc = $title] pub(crate) const $name: Code = Code($code);)*
        /// The rows of `terrarium explain`.
        pub const CODES: &[CodeRow] = &[$(CodeRow { code: $name, title: $title, explanation: $explanation }),*];
    };
}

codes! {
    INVALID = "T1101", "an argument has an impossible value",
        "The value has the right type, but lies outside what the resource can use: a length below 1, a text that is \
         no time in RFC 3339, a minimum above the maximum. The message says what is allowed.";
    COMBINATION = "T1102", "arguments do not go together",
        "One of several arguments must be set, or two of them exclude each other. Keep the one that you mean.";
    IMPORT = "T1103", "the id can't be imported",
        "The resource type takes no import, or the id does not have the form that it documents.";
    NO_EFFECT = "T1104", "an argument has no effect",
        "Of several durations the original provider uses a single one, the last in the order days, hours, minutes, \
         months, seconds, years. Terrarium does the same, so that recorded values stay. Keep one of them; express it \
         in its smallest unit.";
    CHANCE = "T1105", "no random numbers could be drawn",
        "The operating system refused to give random bytes. Nothing was changed; run the command again.";
    STORED = "T1107", "a stored object can't be brought to today's form",
        "The state was written by an older version of the provider, and its attributes can't be read. Restore an \
         earlier state, or remove the object from the state and import it.";
    CONTRACT = "T1106", "the engine asked against the contract",
        "This is a bug in Terrarium. Please report it with the message.";
}

#[cfg(test)]
mod tests {
    #[test]
    fn codes_are_unique_and_in_their_range() {
        let mut codes: Vec<_> = super::CODES.iter().map(|row| row.code.0).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), super::CODES.len());
        assert!(codes.iter().all(|code| code.starts_with("T11")), "{codes:?}");
    }
}
