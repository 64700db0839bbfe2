use terrarium_value::{Marks, Value};

use super::{HIDDEN, Redactor};

fn knows(secret: &str) -> Redactor {
    let redactor = Redactor::default();
    redactor.hide(secret);
    redactor
}

#[test]
fn a_value_is_found_in_each_form() {
    for (secret, text, expected) in [
        ("hunter2", "pw is hunter2.", "pw is (sensitive value)."),
        ("hunter2hunter2", "hunter2", "hunter2"),
        ("a\"b\\c\td<e", r#"{"k":"a\"b\\c\td<e!"}"#, r#"{"k":"(sensitive value)!"}"#),
        ("a\"b\\c\td<e", r#"{"k":"a\"b\\c\td\u003ce"}"#, r#"{"k":"(sensitive value)"}"#),
        ("a&b<cd'", "x a&amp;b&lt;cd&#39; y", "x (sensitive value) y"),
        ("s3cr3t/+ ü", "?q=s3cr3t%2F%2B%20%C3%BC&r", "?q=(sensitive value)&r"),
        ("s3cr3t/+ ü", "?q=s3cr3t%2f%2b%20%c3%bc&r", "?q=(sensitive value)&r"),
        ("s3cr3t/+ ü", "?q=s3cr3t%2F%2B+%C3%BC&r", "?q=(sensitive value)&r"),
        ("pay ${x} now", "v = \"pay $${x} now\"", "v = \"(sensitive value)\""),
    ] {
        assert_eq!(knows(secret).text(text), expected, "{secret} in {text}");
    }
}

#[test]
fn a_value_inside_base64_is_found_at_each_offset() {
    use base64::Engine;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};
    for before in ["", "x", "xy", "xyz", "#!/bin/sh\nexport T="] {
        for after in ["", "\n", " and more"] {
            let text = format!("{before}tok-9f>8e?7d{after}");
            for encoded in [STANDARD.encode(&text), URL_SAFE.encode(&text)] {
                let shown = knows("tok-9f>8e?7d").text(&encoded).into_owned();
                assert!(shown.contains(HIDDEN), "{text:?}: {shown}");
            }
        }
    }
}

#[test]
fn json_stays_json() {
    for (secret, text, expected) in [
        ("resource", r#"{"resource":"a resource"}"#, r#"{"resource":"a (sensitive value)"}"#),
        (
            "12345678",
            r#"{"n":12345678,"s":"12345678"}"#,
            r#"{"n":12345678,"s":"(sensitive value)"}"#,
        ),
        ("nabcde", r#"{"s":"\nabcde"}"#, r#"{"s":"\nabcde"}"#),
        ("nabcde", r#"["\\nabcde"]"#, r#"["\\(sensitive value)"]"#),
        ("\",\"b\":\"", r#"{"a":"1","b":"2"}"#, r#"{"a":"1","b":"2"}"#),
    ] {
        let shown = knows(secret).text(text).into_owned();
        assert_eq!(shown, expected);
        assert!(serde_json::from_str::<serde_json::Value>(&shown).is_ok());
    }
}

#[test]
fn short_values_names_and_what_was_given_free_are_left() {
    assert_eq!(knows("abcde").text("abcde"), "abcde");
    let redactor = knows("postgres");
    redactor.hide("hunter2-secret");
    redactor.open("postgres");
    redactor.open("it is hunter2-secret");
    let shown = redactor.text("postgres: it is hunter2-secret");
    assert_eq!(shown, "postgres: it is hunter2-secret");
    // "hunter2-secret" in base64, which the author said may be shown.
    assert_eq!(redactor.text("aHVudGVyMi1zZWNyZXQ="), format!("{HIDDEN}Q="));
    redactor.open("aHVudGVyMi1zZWNyZXQ=");
    assert_eq!(redactor.text("aHVudGVyMi1zZWNyZXQ="), "aHVudGVyMi1zZWNyZXQ=");
    let hidden = redactor.text("it was hunter2-secret, \"it is hunter2-secret\"");
    assert_eq!(hidden, format!("it was {HIDDEN}, \"it is hunter2-secret\""));
}

#[test]
fn lines_of_a_longer_text_are_found_alone() {
    let redactor = knows("-----BEGIN KEY-----\nMIIEpAIBAAKCAQEA\nshort\n-----END KEY-----\n");
    let drawn = "  -----BEGIN KEY-----\n  MIIEpAIBAAKCAQEA\n  short\n";
    let expected = "  -----BEGIN KEY-----\n  (sensitive value)\n  short\n";
    assert_eq!(redactor.text(drawn), expected);
}

#[test]
fn marked_parts_of_a_value_are_hidden() {
    let redactor = Redactor::default();
    redactor.hide_marked(&Value::object_of([
        ("open", Value::string("open-value")),
        ("secret", Value::strings(["first-secret", "other-secret"]).marked(Marks::SENSITIVE)),
        ("gone", Value::string("gone-secret").marked(Marks::EPHEMERAL)),
        ("pin", Value::number(12_345_678).marked(Marks::SENSITIVE)),
    ]));
    let shown = redactor.text("open-value first-secret, other-secret; gone-secret 12345678");
    assert_eq!(shown, format!("open-value {HIDDEN}, {HIDDEN}; {HIDDEN} {HIDDEN}"));
}

#[test]
fn an_echo_is_cut_short() {
    let text = format!("one\n{}\ntwo", "e".repeat(450_000));
    let shown = super::shortened(&text);
    assert!(shown.len() < 400 && shown.contains("(449750 more bytes)"), "{}", shown.len());
    assert!(shown.starts_with("one\n") && shown.ends_with("\ntwo"));
    let words = "echo ".repeat(90_000);
    let shown = super::shortened(&words);
    assert!(shown.len() < 5_000 && shown.contains("(447500 more bytes)"), "{}", shown.len());
}
