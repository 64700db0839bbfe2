//! The command line's codes, and the tables of all crates behind each other.

use terrarium_diagnostic::{Code, CodeRow};

macro_rules! codes {
    ($($name:ident = $code:literal, $title:literal, $text:expr;)*) => {
        $(pub(crate) const $name: Code = Code($code);)*
        /// The command line's codes.
        pub const CODES: &[CodeRow] = &[
            $(CodeRow { code: Code($code), title: $title, explanation: $text },)*
        ];
    };
}

codes! {
    FLAGS = "T0701", "the command line can't be understood", include_str!("explain/T0701.md");
    FILE = "T0702", "a file can't be read or written", include_str!("explain/T0702.md");
    UNDECLARED_VARIABLE = "T0703", "a value for a variable that is not declared", include_str!("explain/T0703.md");
    NO_VALUE = "T0704", "a required variable has no value", include_str!("explain/T0704.md");
    PLAN_FILE = "T0705", "a saved plan can't be used", include_str!("explain/T0705.md");
    WORKSPACE = "T0706", "a workspace can't be used", include_str!("explain/T0706.md");
    LOCK = "T0707", "the state is locked", include_str!("explain/T0707.md");
    APPROVAL = "T0708", "the actions were not approved", include_str!("explain/T0708.md");
    OUTPUT = "T0709", "an output can't be shown", include_str!("explain/T0709.md");
    NO_INSTANCE = "T0710", "no such resource instance", include_str!("explain/T0710.md");
    BACKEND = "T0711", "a backend that is not supported", include_str!("explain/T0711.md");
    TESTBED = "T0713", "the testbed can't be used", include_str!("explain/T0713.md");
    ADDRESS = "T0714", "an address can't be understood", include_str!("explain/T0714.md");
    STATE = "T0715", "the state can't be used", include_str!("explain/T0715.md");
    TARGETS = "T0716", "only a part is planned", include_str!("explain/T0716.md");
    NO_CONFIGURATION = "T0717", "there is no configuration", include_str!("explain/T0717.md");
    OVERDUE = "T0718", "scheduled work is overdue", include_str!("explain/T0718.md");
    CREDENTIALS_END = "T0719", "credentials end before the last change is due", include_str!("explain/T0719.md");
    ENDED = "T0720", "what it reads has ended", include_str!("explain/T0720.md");
    HELD_BACK = "T0721", "due work is held back", include_str!("explain/T0721.md");
    MISSED = "T0722", "scheduled work was missed or given up", include_str!("explain/T0722.md");
    INTERNAL = "T0799", "a fault of terrarium itself", include_str!("explain/T0799.md");
}
