//! Conversion and unification.

use terrarium_value::{Causes, Marks, Type, Value, convert, json, render, unify, unify_unsafe};

fn ty(text: &str) -> Type {
    json::type_from_json(text).expect("a type")
}

fn value(text: &str) -> Value {
    json::decode(text).expect("a value")
}

#[test]
fn conversions_give_what_terraform_gives() {
    let any_list = r#"["list","dynamic"]"#;
    let rows = [
        (r#""1.50""#, r#""number""#, "1.5"),
        ("1.0", r#""string""#, "\"1\""),
        (r#""1""#, r#""bool""#, "true"),
        (r#"["a",1,true]"#, any_list, "tolist([\n  \"a\",\n  \"1\",\n  \"true\",\n])"),
        ("[]", any_list, "tolist([])"),
        ("null", any_list, "tolist(null) /* of dynamic */"),
        ("[null,1]", any_list, "tolist([\n  tonumber(null),\n  1,\n])"),
        (r#"[[1],["a"]]"#, any_list, "tolist([\n  [\n    \"1\",\n  ],\n  [\n    \"a\",\n  ],\n])"),
        ("[3,1,2,1]", r#"["set","dynamic"]"#, "toset([\n  1,\n  2,\n  3,\n])"),
        (r#"[null,"a"]"#, r#"["set","dynamic"]"#, "toset([\n  \"a\",\n  tostring(null),\n])"),
        (
            r#"{"a":{"x":1},"b":{"y":2}}"#,
            r#"["map","dynamic"]"#,
            "tomap({\n  \"a\" = tomap({\n    \"x\" = 1\n  })\n  \"b\" = tomap({\n    \"y\" = 2\n  })\n})",
        ),
        (
            r#"{"a":1,"z":2}"#,
            r#"["object",{"a":"string","b":"number"},["b"]]"#,
            "{\n  \"a\" = \"1\"\n  \"b\" = tonumber(null)\n}",
        ),
        (
            r#"[{"a":1},{"a":null}]"#,
            r#"["list",["object",{"a":"dynamic"}]]"#,
            "tolist([\n  {\n    \"a\" = 1\n  },\n  {\n    \"a\" = tonumber(null)\n  },\n])",
        ),
    ];
    for (from, to, expected) in rows {
        let converted =
            convert(&value(from), &ty(to)).unwrap_or_else(|error| panic!("{from}: {error}"));
        assert_eq!(render(&converted), expected, "{from} to {to}");
        let again = convert(&converted, &ty(to)).expect("it has the type");
        assert_eq!(again, converted);
    }
}

#[test]
fn refusals_say_what_terraform_says() {
    let rows = [
        (r#""x""#, r#""number""#, "a number is required"),
        (
            r#""True""#,
            r#""bool""#,
            "a bool is required; to convert from string, use lowercase \"true\"",
        ),
        ("1", r#""bool""#, "bool required"),
        ("[1,[2]]", r#"["list","dynamic"]"#, "all list elements must have the same type"),
        (r#""a""#, r#"["list","string"]"#, "list of string required"),
        ("{}", r#"["object",{"a":"string"}]"#, "attribute \"a\" is required"),
        (
            "{}",
            r#"["object",{"a":"string","b":"string","c":"string"}]"#,
            "attributes \"a\", \"b\", and \"c\" are required",
        ),
        (r#"{"a":[]}"#, r#"["object",{"a":"string"}]"#, "attribute \"a\": string required"),
        (r#"["a",[]]"#, r#"["list","string"]"#, "element 1: string required"),
        (r#"{"a":["x"]}"#, r#"["map",["list","number"]]"#, ".a[0]: a number is required"),
    ];
    for (from, to, expected) in rows {
        let error = convert(&value(from), &ty(to)).expect_err(from).to_string();
        assert_eq!(error, expected.trim_start_matches('.'), "{from} to {to}");
    }
}

#[test]
fn unknowns_and_marks_survive() {
    let unknown =
        Value::unknown(Type::tuple([Type::Number]), Causes::NONE).marked(Marks::SENSITIVE);
    let converted = convert(&unknown, &ty(r#"["list","string"]"#)).expect("it converts");
    assert!(!converted.is_known());
    assert_eq!(converted.ty(), Type::list(Type::String));
    assert_eq!(converted.marks(), Marks::SENSITIVE);
    let inner = Value::tuple([Value::number(1).marked(Marks::EPHEMERAL)]);
    let set = convert(&inner, &ty(r#"["set","string"]"#)).expect("it converts");
    assert_eq!(set.marks(), Marks::EPHEMERAL);
}

#[test]
fn types_unify_as_in_conditionals() {
    let rows = [
        (r#""number""#, r#""string""#, Some(r#""string""#)),
        (r#""number""#, r#""bool""#, None),
        (
            r#"["object",{"a":"number"}]"#,
            r#"["object",{"b":"string"}]"#,
            Some(r#"["map","string"]"#),
        ),
        (
            r#"["object",{"a":"number"}]"#,
            r#"["object",{"a":"string"}]"#,
            Some(r#"["object",{"a":"string"}]"#),
        ),
        (
            r#"["tuple",["number"]]"#,
            r#"["tuple",["string","string"]]"#,
            Some(r#"["list","string"]"#),
        ),
        (r#"["tuple",[]]"#, r#"["list","number"]"#, Some(r#"["list","number"]"#)),
        (r#"["tuple",[]]"#, r#"["tuple",["number"]]"#, Some(r#"["list","number"]"#)),
        (r#"["set","string"]"#, r#"["tuple",["string"]]"#, Some(r#"["set","string"]"#)),
        (r#"["list","string"]"#, r#"["set","string"]"#, Some(r#"["list","string"]"#)),
        (r#"["object",{"a":"number"}]"#, r#"["map","string"]"#, Some(r#"["map","string"]"#)),
        (r#"["object",{"a":"number"}]"#, r#"["tuple",["number"]]"#, None),
        (r#""dynamic""#, r#""string""#, Some(r#""dynamic""#)),
    ];
    for (left, right, expected) in rows {
        let expected = expected.map(ty);
        assert_eq!(unify(&[ty(left), ty(right)]), expected, "{left} and {right}");
        assert_eq!(unify(&[ty(right), ty(left)]), expected, "{right} and {left}");
    }
    assert_eq!(unify(&[]), None);
    let null_and_number = [Type::Dynamic, Type::Number];
    assert_eq!(unify_unsafe(&null_and_number), Some(Type::Number));
}
