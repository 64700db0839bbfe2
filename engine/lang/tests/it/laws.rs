//! What must hold for any text: a value or a diagnostic, never a panic; `fmt` comes to rest.

use proptest::prelude::*;
use terrarium_diagnostic::FileId;

use crate::config::load_text;

/// Pieces of source from which texts are put together that look like configuration.
const PIECES: &[&str] = &[
    "resource",
    " ",
    "\n",
    "\"",
    "${",
    "%{",
    "}",
    "{",
    "[",
    "]",
    "(",
    ")",
    "=",
    "\"a\"",
    "x",
    "var.x",
    "<<EOT\n",
    "EOT\n",
    "<<-E",
    "E",
    "#",
    "//",
    "/*",
    "*/",
    "$${",
    "\\",
    "\\u00e9",
    "é",
    "1e9",
    "-",
    "!",
    "?",
    ":",
    "=>",
    "...",
    "for",
    "in",
    "if",
    "endif",
    "~}",
    "dynamic",
    "variable \"a\" {\n",
    "default = ",
    "type = ",
    ",",
    ".",
    "*",
    "::",
    "\r\n",
    "\u{feff}",
    "\0",
    "locals {\n",
    "}\n",
    "module \"m\" {\n",
    "count = ",
    "each.key",
];

fn soup() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(PIECES), 0..60).prop_map(|pieces| pieces.concat())
}

/// Valid arguments with blanks at random.
fn arguments() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        Just("1".to_owned()),
        Just("[1,2 , 3]".to_owned()),
        Just("{ a=1,b = [ 2 ] }".to_owned()),
        Just("f( a,- 1)".to_owned()),
        Just("\"${ a }-${b}\"".to_owned()),
        Just("[\n1,\n    2\n]".to_owned()),
        Just("<<EOT\n  text ${ a }\nEOT".to_owned()),
        Just("a?b :c".to_owned()),
    ];
    let line = ("[a-z]{1,6}", " {0,3}", value, prop::option::of(" {0,2}# [a-z ]{0,8}"));
    prop::collection::vec(line, 1..8).prop_map(|lines| {
        let text = |(at, (name, blank, value, comment)): (
            usize,
            (String, String, String, Option<String>),
        )| {
            let comment = comment.filter(|_| !value.ends_with("EOT")).unwrap_or_default();
            format!("{blank}{name}{at}{blank}={blank}{value}{comment}\n")
        };
        format!("b \"l\" {{\n{}}}\n", lines.into_iter().enumerate().map(text).collect::<String>())
    })
}

proptest! {
    #[test]
    fn any_text_gives_a_module_or_a_diagnostic(text in any::<String>()) {
        let (configuration, _, _) = load_text(&text);
        prop_assert!(configuration.root().is_some());
    }

    #[test]
    fn any_soup_of_tokens_gives_a_module_or_a_diagnostic(text in soup()) {
        let (configuration, diags, sources) = load_text(&text);
        prop_assert!(configuration.root().is_some());
        for diagnostic in &diags {
            let span = diagnostic.at.as_ref().map(|label| label.span);
            prop_assert!(span.is_some(), "{}: no place", diagnostic.summary);
            let span = span.unwrap();
            let source = sources.get(span.file).unwrap();
            prop_assert!(source.text.get(span.range()).is_some(), "{}: {span:?} is outside", diagnostic.summary);
        }
    }

    #[test]
    fn a_layout_is_a_fixed_point(text in arguments()) {
        let once = terrarium_lang::fmt(FileId(0), &text).expect("the text is valid");
        prop_assert_eq!(terrarium_lang::fmt(FileId(0), &once).expect("it still is"), once);
    }

    #[test]
    fn a_layout_changes_blanks_only(text in arguments()) {
        let bare = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
        let laid_out = terrarium_lang::fmt(FileId(0), &text).expect("the text is valid");
        prop_assert_eq!(bare(&laid_out), bare(&text));
    }
}

#[test]
fn deep_nesting_is_a_diagnostic() {
    for (open, close) in [
        ("[", "]"),
        ("(", ")"),
        ("{ a = ", " }"),
        ("\"${", "}\""),
        ("f(", ")"),
        ("!", ""),
        ("a ? 1 : ", ""),
    ] {
        for depth in [30, 70, 5_000] {
            let text =
                format!("locals {{\n  x = {}1{}\n}}\n", open.repeat(depth), close.repeat(depth));
            let (_, diags, _) = load_text(&text);
            assert!(depth < 64 || diags.has_errors() || open == "!", "{open} {depth}");
        }
    }
    let blocks = format!("{}{}", "a {\n".repeat(5_000), "}\n".repeat(5_000));
    assert!(load_text(&blocks).1.has_errors());
    let operators = format!("locals {{\n  x = 1{}\n}}\n", " + 1".repeat(10_000));
    assert!(load_text(&operators).1.has_errors());
}

#[test]
fn a_file_of_open_blocks_costs_linear_time() {
    // Each block is left open; looking for the end of each to the end of the file would be quadratic.
    let text = "resource \"a\" \"b\" {\n".repeat(20_000);
    let (_, diags, _) = load_text(&text);
    assert_eq!(diags.0.len(), 20_000);
}
