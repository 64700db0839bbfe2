//! Walks: marks, paths, rebuilding.

use terrarium_address::{AttrPath, PathStep};
use terrarium_value::{Causes, Map, Marks, Type, Value, json};

fn path(steps: &[PathStep]) -> AttrPath {
    AttrPath(steps.to_vec())
}

fn attr(name: &str) -> PathStep {
    PathStep::Attr(name.into())
}

#[test]
fn marks_go_on_and_come_off() {
    let value = json::decode(r#"{"a":[{"p":"x"},{"p":"y"}],"b":1}"#).expect("a value");
    let secret = path(&[attr("a"), PathStep::Index(1), attr("p")]);
    let nowhere = path(&[attr("z"), attr("q")]);
    let marked = value.mark_paths(&[secret.clone(), nowhere], Marks::SENSITIVE);
    assert_eq!(marked.paths_with_mark(Marks::SENSITIVE), vec![secret.clone()]);
    assert_eq!(marked.deep_marks(), Marks::SENSITIVE);
    assert_eq!(marked.at(&secret).map(|part| part.marks()), Some(Marks::SENSITIVE));
    assert_eq!(marked.unmarked_deep(), value);
    assert_ne!(marked, value);
}

#[test]
fn a_path_into_a_set_marks_the_set() {
    let set = Value::set(Type::String, vec![Value::string("a")]);
    let value = Value::object_of([("s", set)]);
    let inside = path(&[attr("s"), PathStep::AnyElement]);
    let marked = value.mark_paths(&[inside], Marks::SENSITIVE);
    assert_eq!(marked.paths_with_mark(Marks::SENSITIVE), vec![AttrPath::attr("s")]);
}

#[test]
fn unknown_parts_are_found_and_replaced() {
    let unknown = Value::unknown(Type::object([("id", Type::String)]), Causes::NONE);
    let value =
        Value::object_of([("m", Value::map(unknown.ty(), Map::from([("k".into(), unknown)])))]);
    let at = path(&[attr("m"), PathStep::Key("k".into())]);
    assert_eq!(value.unknown_paths(), vec![at.clone()]);
    assert!(!value.is_wholly_known());
    assert_eq!(value.at(&at.with(attr("id"))).map(|part| part.ty()), Some(Type::String));
    let known = value.transform(&mut |_, part| {
        if part.is_known() { part } else { Value::object_of([("id", Value::string("x"))]) }
    });
    assert_eq!(json::encode(&known).as_deref(), Ok(r#"{"m":{"k":{"id":"x"}}}"#));
    let mut leaves = Vec::new();
    known.for_each_leaf(&mut |path, _| leaves.push(path.to_string()));
    assert_eq!(leaves, ["m[\"k\"].id"]);
}
