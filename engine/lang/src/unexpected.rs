//! What is said of arguments and blocks that nobody expects.

use terrarium_diagnostic::{Diagnostic, Span, nearest};

use crate::codes;

/// Says that an argument is not expected, and which is near.
pub(crate) fn unsupported_argument(
    name: &str,
    at: Span,
    arguments: &[&str],
    blocks: &[&str],
) -> Diagnostic {
    let mut detail = format!("An argument named \"{name}\" is not expected here.");
    if blocks.contains(&name) {
        detail.extend([" Did you mean to define a block of type \"", name, "\"?"]);
    } else if let Some(near) = nearest(name, arguments.iter().copied()) {
        detail.extend([" Did you mean \"", near, "\"?"]);
    }
    Diagnostic::error(codes::UNSUPPORTED, "Unsupported argument").detail(detail).at(at, "")
}

/// Says that a block is not expected, and which is near.
pub(crate) fn unsupported_block(
    kind: &str,
    at: Span,
    blocks: &[&str],
    arguments: &[&str],
) -> Diagnostic {
    let mut detail = format!("Blocks of type \"{kind}\" are not expected here.");
    if arguments.contains(&kind) {
        detail.extend([
            " Did you mean to define argument \"",
            kind,
            "\"? If so, use the equals sign to assign it a value.",
        ]);
    } else if let Some(near) = nearest(kind, blocks.iter().copied()) {
        detail.extend([" Did you mean \"", near, "\"?"]);
    }
    Diagnostic::error(codes::UNSUPPORTED, "Unsupported block type").detail(detail).at(at, "")
}
