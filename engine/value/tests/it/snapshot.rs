//! Snapshots are lossless.

use proptest::prelude::*;
use terrarium_value::{
    Cause, Causes, Map, Marks, Number, Refinements, Type, Unknown, Value, When, from_snapshot,
    to_snapshot,
};

fn causes() -> impl Strategy<Value = Causes> {
    let instance = |seconds: Option<i64>| Cause::Instance {
        addr: "module.lab[\"g1\"].openstack_compute_instance_v2.gpu[0]"
            .parse()
            .expect("an address"),
        when: seconds
            .map_or(When::Apply, |s| When::At(jiff::Timestamp::from_second(s).expect("a time"))),
    };
    prop_oneof![
        Just(Causes::NONE),
        ".{0,9}".prop_map(|words| Causes::one(Cause::Other(words.into()))),
        proptest::option::of(0i64..4_000_000_000).prop_map(move |s| Causes::one(instance(s))),
    ]
}

fn number() -> impl Strategy<Value = Number> {
    prop_oneof![
        any::<i64>().prop_map(Number::from),
        any::<f64>().prop_map(Number::from_f64),
        any::<i64>().prop_map(|n| Number::parse(&format!("{n}.123456789e-30")).expect("a number")),
        Just(Number::infinity(true)),
    ]
}

fn leaf() -> impl Strategy<Value = Value> {
    let refinements = (
        any::<bool>(),
        proptest::option::of(".{0,4}"),
        proptest::option::of((number(), any::<bool>())),
    );
    prop_oneof![
        any::<bool>().prop_map(Value::bool),
        ".{0,9}".prop_map(Value::string),
        number().prop_map(Value::number),
        Just(Value::null(Type::Dynamic)),
        Just(Value::null(Type::set(Type::object([("a", Type::Bool)])))),
        (causes(), refinements).prop_map(|(causes, (not_null, prefix, lower))| {
            let refinements = Refinements {
                not_null,
                prefix: prefix.map(Into::into),
                lower: lower.map(Box::new),
                max_length: Some(3),
                ..Refinements::default()
            };
            Value::refined(Unknown { ty: Type::String, refinements, causes })
        }),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    leaf().prop_recursive(4, 32, 5, |inner| {
        let entries = proptest::collection::btree_map(".{0,4}", inner.clone(), 0..4);
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::tuple),
            entries.prop_map(Value::object_of),
            proptest::collection::vec(".{0,4}", 0..4).prop_map(Value::strings),
            proptest::collection::btree_set(".{0,4}", 0..4).prop_map(|items| Value::set(
                Type::String,
                items.into_iter().map(Value::string).collect()
            )),
            Just(Value::map(Type::list(Type::Bool), Map::new())),
            inner.prop_map(|value| value.marked(Marks::SENSITIVE)),
        ]
    })
}

proptest! {
    #[test]
    fn nothing_is_lost(value in value()) {
        let text = to_snapshot(&value);
        let back = from_snapshot(&text).expect("its own text");
        prop_assert!(back.same(&value), "{text}");
        prop_assert_eq!(back.causes_deep(), value.causes_deep());
        prop_assert_eq!(to_snapshot(&back), text);
    }

    #[test]
    fn damage_is_an_error_and_no_panic(value in value(), at in any::<prop::sample::Index>(), put in any::<char>()) {
        let mut text: Vec<char> = to_snapshot(&value).chars().collect();
        let at = at.index(text.len());
        text[at] = put;
        let _ = from_snapshot(&text.into_iter().collect::<String>());
    }
}
