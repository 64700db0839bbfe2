//! Diagnostics of any width, and what is said where Terrarium itself is wrong.

use std::process::Command;

use terrarium_cli::crash;
use terrarium_cli::env::Env;
use terrarium_cli::redact::Redactor;
use terrarium_cli::render::diagnostics::{Warnings, text};
use terrarium_diagnostic::{Code, Diagnostic, FileId, Sources, Span};

use crate::terrarium::Lab;

/// Draws an error about `label` of a source text, without colours.
fn drawn(source: &str, label: std::ops::Range<usize>) -> String {
    let mut sources = Sources::default();
    let file: FileId = sources.add_file("main.tf.json".into(), "main.tf.json", source);
    let error = Diagnostic::error(Code("T0001"), "Wrong")
        .detail("It is wrong.")
        .at(Span::new(file, label), "here");
    let drawn = text(&error.into(), (&sources, &Redactor::default()), Warnings::Whole);
    terrarium_cli::render::plain(&drawn)
}

#[test]
fn a_line_of_any_width_is_drawn_around_its_label() {
    for filler in ["x", "é", "漢", "\t", "🚀"] {
        for width in [10, 300, 65_535, 65_536, 1_000_000] {
            let side = filler.repeat(width);
            for (before, after) in [("", &*side), (&side, &side), (&side, "")] {
                let source = format!("first\n{before}HERE{after}\nlast\n");
                let start = 6 + before.len();
                let drawn = drawn(&source, start..start + 4);
                let column = before.chars().count() + 1;
                let place = format!("[main.tf.json:2:{column}]");
                assert!(drawn.contains(&place), "{filler:?} {width}: {drawn}");
                assert!(drawn.contains("HERE") && drawn.contains("here"), "{drawn}");
                assert!(drawn.len() < 4_000, "{} bytes", drawn.len());
            }
        }
    }
}

#[test]
fn labels_of_any_width_are_drawn() {
    let line = "y".repeat(1_000_000);
    for label in [0..0, 0..1_000_000, 65_535..65_536, 10..70_000, 999_999..1_000_000] {
        let drawn = drawn(&line, label.clone());
        let place = format!("[main.tf.json:1:{}]", label.start + 1);
        assert!(drawn.contains(&place) && drawn.contains("here"), "{label:?}: {drawn}");
        assert!(drawn.len() < 4_000, "{} bytes", drawn.len());
    }
    let lines = format!("{line}\n{line}\n{line}\n");
    assert!(drawn(&lines, 999_000..2_001_000).len() < 8_000);
}

#[test]
fn a_configuration_on_one_line_is_refused_as_any_other() {
    for width in [10, 65_536, 1_000_000] {
        let lab = Lab::of("");
        let pad = "p".repeat(width);
        lab.write(
            "gen.tf.json",
            &format!("{{\"locals\":{{\"a\":\"{pad}\"}},\"output\":{{\"o\":{{\"value\":\"${{local.nope}}\"}}}}}}"),
        );
        let ran = lab.run(&["validate"]);
        ran.says(1, &["gen.tf.json:1:", "local.nope"]);
        assert!(ran.err.len() < 5_000, "{} bytes", ran.err.len());
        let ran = lab.run(&["plan", "-json"]);
        ran.says(1, &["local.nope", "highlight_start_offset"]);
        assert!(ran.out.len() < 5_000, "{} bytes", ran.out.len());
    }
}

/// Run by [`a_panic_is_told_as_an_internal_error`] in a process of its own, since a hook is the process's.
#[test]
fn a_process_that_panics() {
    let Ok(kind) = std::env::var("TERRARIUM_TEST_PANIC") else { return };
    let code = crash::guard(&Env::of_process(), || {
        let secret = "hunter2-secret";
        if kind == "thread" {
            let gone = std::thread::spawn(move || panic!("it was {secret}")).join();
            return u8::from(gone.is_ok());
        }
        panic!("it was {secret}")
    });
    println!("exit code {code}");
}

#[test]
fn a_panic_is_told_as_an_internal_error() {
    for kind in ["main", "thread"] {
        for (debug, raw) in [("0", false), ("1", true)] {
            let child = Command::new(std::env::current_exe().unwrap())
                .args(["wide::a_process_that_panics", "--exact", "--nocapture"])
                .env("TERRARIUM_TEST_PANIC", kind)
                .env("RUST_BACKTRACE", debug)
                .output()
                .unwrap();
            let said = String::from_utf8(child.stderr).unwrap();
            let out = String::from_utf8(child.stdout).unwrap();
            assert!(out.contains("exit code 1"), "{out}\n{said}");
            assert!(said.contains("Error: Internal error [T0799]"), "{said}");
            assert!(said.contains("wide.rs:") && said.contains("Report it with"), "{said}");
            assert_eq!(said.contains("panicked at"), raw, "{said}");
            assert_eq!(said.contains("hunter2-secret"), raw, "{said}");
        }
    }
}
