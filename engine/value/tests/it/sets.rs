//! Order, duplicates and equality.

use terrarium_value::{Cause, Causes, Kind, Marks, Type, Value, json, sorted_set};

fn value(text: &str) -> Value {
    json::decode(text).expect("a value")
}

#[test]
fn sets_are_in_the_order_of_cty() {
    let rows = [
        (r#"["b","B","a","1","é",""]"#, r#"["","1","B","a","b","é"]"#),
        ("[-1,0.5,-10,2,10,9]", "[-10,-1,0.5,2,9,10]"),
        ("[true,false,true]", "[false,true]"),
        (r#"[[true,"b"],[false,"a"],[null,"z"]]"#, r#"[[false,"a"],[true,"b"],[null,"z"]]"#),
        (
            r#"[{"a":12345678901234},{"a":12345678901233},{"a":2},{"a":10},{"a":1e20},{"a":0.00001},{"a":2}]"#,
            r#"[{"a":12345678901234},{"a":12345678901233},{"a":10},{"a":100000000000000000000},{"a":0.00001},{"a":2}]"#,
        ),
    ];
    for (items, expected) in rows {
        let items = value(items).as_items().unwrap_or_default().to_vec();
        assert_eq!(json::encode(&Value::tuple(sorted_set(items))).as_deref(), Ok(expected));
    }
}

#[test]
fn unknown_elements_stay_apart() {
    let unknown = Value::unknown(Type::String, Causes::NONE);
    let set = Value::set(Type::String, vec![unknown.clone(), Value::string("a"), unknown]);
    assert_eq!(set.as_items().map(<[_]>::len), Some(3));
    let marked = Value::set(Type::String, vec![Value::string("a").marked(Marks::SENSITIVE)]);
    assert_eq!(marked.marks(), Marks::SENSITIVE);
    assert!(marked.as_items().is_some_and(|items| items[0].marks().is_empty()));
}

#[test]
fn many_elements_take_little_time() {
    let object = |at: u32| {
        Value::object_of([("id", Value::number(at)), ("name", Value::string(format!("n{at}")))])
    };
    let items = (0..40_000).map(|at| object(at % 20_000)).collect();
    assert_eq!(sorted_set(items).len(), 20_000);
}

#[test]
fn equality_is_that_of_the_language() {
    let cause = Causes::one(Cause::Other("the variable \"x\"".into()));
    let unknown = Value::unknown(Type::String, cause.clone());
    let pair = |a: &Value, b: &Value| Value::tuple([a.clone(), b.clone()]);
    let (one, two, text) = (Value::number(1), Value::number(2), Value::string("a"));
    let undecided = pair(&unknown, &one).equals(&pair(&text, &two));
    match undecided.kind() {
        Kind::Unknown(unknown) => assert_eq!(unknown.causes, cause),
        _ => panic!("{undecided}"),
    }
    let decided = pair(&one, &unknown).equals(&pair(&two, &text));
    assert_eq!(decided, Value::bool(false));
    assert_eq!(one.equals(&Value::string("1")), Value::bool(false));
    assert_eq!(Value::null(Type::Dynamic).equals(&Value::null(Type::String)), Value::bool(true));
    let typed = Value::object_of([("a", Value::null(Type::String))]);
    assert_eq!(value(r#"{"a":null}"#).equals(&typed), Value::bool(false));
    let list = Value::list(Type::Number, vec![one.clone()]);
    assert_eq!(list.equals(&Value::tuple([one.clone()])), Value::bool(false));
    let marked = one.clone().marked(Marks::SENSITIVE);
    assert_eq!(marked.equals(&one), Value::bool(true).marked(Marks::SENSITIVE));
    assert!(!marked.same(&one));
    assert_eq!(
        Value::number(0).equals(&Value::number(value("-0").as_number().expect("a number").clone())),
        Value::bool(true)
    );
}
