//! Texts: `jsonencode`, console, types, state.

use terrarium_address::{AttrPath, PathStep};
use terrarium_value::{Causes, Marks, Type, Value, json, render, type_text};

#[test]
fn measured_values_print_as_measured() {
    let rows = include_str!("../data/jsonlike.jsonl");
    let mut checked = 0;
    for row in rows.lines() {
        let row = json::decode(row).expect("a row is JSON");
        let field = |name: &str| row.get(name).and_then(Value::as_str).expect("a text").to_owned();
        let value = json::decode(&field("json")).expect("measured JSON");
        assert_eq!(json::encode(&value), Ok(field("json")));
        assert_eq!(type_text(&value.ty()), field("type"), "{}", field("json"));
        assert_eq!(render(&value), field("console"), "{}", field("json"));
        checked += 1;
    }
    assert!(checked > 100, "only {checked} rows");
}

#[test]
fn strings_are_escaped_for_html() {
    let text = Value::string("a<b>&\u{8}\u{c}\u{7f}\u{1}\u{2028}");
    let expected = "\"a\\u003cb\\u003e\\u0026\\b\\f\u{7f}\\u0001\\u2028\"";
    assert_eq!(json::encode(&text).as_deref(), Ok(expected));
}

#[test]
fn damaged_json_is_refused() {
    for text in [
        "",
        "{",
        "[1,]",
        "01",
        "1.",
        "nul",
        "\"\\x\"",
        "\"a\nb\"",
        "1 2",
        "{\"a\" 1}",
        "\"\\",
        "\"\\é\"",
    ] {
        assert!(json::decode(text).is_err(), "{text}");
    }
    assert!(json::decode(&"[".repeat(100_000)).is_err());
    let half = json::decode(r#""\ud800x\u00e9""#).expect("half a pair is replaced");
    assert_eq!(half.as_str(), Some("\u{fffd}xé"));
    let last = json::decode(r#"{"a":1,"a":2}"#).expect("the last one counts");
    assert_eq!(last.get("a"), Some(&Value::number(2)));
}

#[test]
fn typed_json_round_trips() {
    let ty = json::type_from_json(
        r#"["object",{"any":"dynamic","m":["map","number"],"s":["set","string"],"t":["tuple",["bool"]]}]"#,
    )
    .expect("a type");
    let text = r#"{"any":{"value":[1,"x"],"type":["tuple",["number","string"]]},"m":{"a":1.5},"s":["a","b"],"t":[null]}"#;
    let value = json::from_typed(text, &ty).expect("typed JSON");
    assert_eq!(json::to_typed(&value, &ty).as_deref(), Ok(text));
    assert_eq!(value.get("t").map(Value::ty), Some(Type::tuple([Type::Bool])));
    let missing = json::from_typed("{}", &ty).expect("missing is null");
    assert!(missing.get("s").is_some_and(Value::is_null));
    let extra = json::from_typed(r#"{"zone":1}"#, &ty).expect_err("strict");
    assert_eq!(extra.message, "unsupported attribute \"zone\"");
}

#[test]
fn unknown_has_no_json_but_plain_leaves_it_out() {
    let unknown = Value::unknown(Type::String, Causes::NONE);
    let value = Value::object_of([("a", unknown.clone()), ("b", Value::tuple([unknown.clone()]))]);
    let error = json::encode(&value).expect_err("unknown");
    assert_eq!(error.path, AttrPath(vec![PathStep::Attr("a".into())]));
    assert_eq!(json::plain(&value).as_deref(), Some(r#"{"b":[null]}"#));
    assert_eq!(json::plain(&unknown), None);
}

#[test]
fn console_shows_shape_but_no_secret() {
    let secret = Value::string("hunter2").marked(Marks::SENSITIVE);
    let value = Value::object_of([
        ("a\nb", Value::string("x\ny")),
        ("c", Value::tuple([Value::string("l\nm")])),
        ("secret", secret),
    ]);
    let expected = "{\n  <<-EOT\n  a\n  b\n  EOT = <<-EOT\n  x\n  y\n  EOT\n  \"c\" = [\n    <<-EOT\n    l\n    m\n    EOT,\n  ]\n  \"secret\" = (sensitive value)\n}";
    assert_eq!(render(&value), expected);
    assert!(!format!("{value:?} {value}").contains("hunter2"));
    assert_eq!(render(&Value::null(Type::list(Type::String))), "tolist(null) /* of string */");
    let invisible = Value::string("\u{a0}\u{301}\u{200b}\u{e0001}😀");
    assert_eq!(render(&invisible), "\"\\u00a0\u{301}\\u200b\\U000e0001😀\"");
}

#[test]
fn nested_types_break_lines_as_measured() {
    let object = Type::object([("a", Type::Number)]);
    let expected = "list(list(\n    object({\n        a: number,\n    }),\n))";
    assert_eq!(type_text(&Type::list(Type::list(object))), expected);
    assert_eq!(type_text(&Type::list(Type::tuple([]))), "list(\n    tuple([]),\n)");
}
