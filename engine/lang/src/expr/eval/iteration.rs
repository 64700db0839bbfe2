//! `for` expressions.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use terrarium_address::Name;
use terrarium_value::{Kind, Map, Number, Type, Value, convert};

use super::{Evaluator, Heritage, as_name, broken, codes};
use crate::expr::frame::Frame;
use crate::expr::node::{For, Node};

/// What the rounds of a `for` produced.
#[derive(Default)]
struct Results {
    items: Vec<Value>,
    entries: Map,
    groups: BTreeMap<Name, Vec<Value>>,
    heritage: Heritage,
    failed: bool,
}

/// Returns the pairs that a `for` or a `dynamic` block iterates over; `None`: it can't.
pub(crate) fn pairs(collection: &Value) -> Option<Vec<(Value, Value)>> {
    Some(match collection.kind() {
        Kind::List(items) | Kind::Tuple(items) => items
            .iter()
            .enumerate()
            .map(|(at, item)| (Value::number(Number::from(at)), item.clone()))
            .collect(),
        Kind::Set(items) => items.iter().map(|item| (item.clone(), item.clone())).collect(),
        Kind::Map(entries) | Kind::Object(entries) => {
            entries.iter().map(|(key, value)| (Value::string(key.clone()), value.clone())).collect()
        }
        _ => return None,
    })
}

impl Evaluator<'_> {
    pub(super) fn for_expression(&mut self, each: &For, frame: &Frame<'_>) -> Value {
        let collection = self.eval(&each.collection, frame);
        let span = each.collection.span;
        if collection.is_null() {
            let detail = "A null value cannot be used as the collection in a 'for' expression.";
            return self.fail(codes::ITERATION, span, "Iteration over null value", detail);
        }
        let mut results = Results::default();
        let collection = results.heritage.take(collection);
        if let Kind::Unknown(unknown) = collection.kind()
            && !unknown.ty.is_primitive()
        {
            return results.heritage.unknown(Type::Dynamic);
        }
        let Some(pairs) = pairs(&collection) else {
            let ty = collection.ty().friendly_name();
            let detail = format!(
                "A value of type {ty} cannot be used as the collection in a 'for' expression."
            );
            return self.fail(codes::ITERATION, span, "Iteration over non-iterable value", detail);
        };
        let rounds = frame.rounds(pairs.len());
        if !self.may_go_round(rounds, span, &frame.scope().environment().limits) {
            return broken();
        }
        let frame = &frame.going_round(rounds);
        for (key, value) in pairs {
            let key_binding = frame.bind(each.key_name.as_deref().unwrap_or_default(), key);
            let with_key = if each.key_name.is_some() { frame.with(&key_binding) } else { *frame };
            let value_binding = with_key.bind(&each.value_name, value);
            self.round(each, &with_key.with(&value_binding), &mut results);
            if results.failed || self.exhausted {
                return broken();
            }
        }
        let Results { items, entries, groups, heritage, .. } = results;
        if heritage.is_unknown() {
            return heritage.unknown(Type::Dynamic);
        }
        let value = match (&each.key, each.grouping) {
            (None, _) => Value::tuple(items),
            (Some(_), false) => Value::object(entries),
            (Some(_), true) => {
                Value::object_of(groups.into_iter().map(|(key, items)| (key, Value::tuple(items))))
            }
        };
        value.marked(heritage.marks)
    }

    fn round(&mut self, each: &For, frame: &Frame<'_>, results: &mut Results) {
        if let Some(condition) = &each.condition
            && !self.included(condition, frame, results)
        {
            return;
        }
        let Some(key) = &each.key else {
            results.items.push(self.eval(&each.value, frame));
            return;
        };
        let Some(name) = self.key(key, frame, results) else { return };
        let value = self.eval(&each.value, frame);
        if each.grouping {
            results.groups.entry(name).or_default().push(value);
            return;
        }
        match results.entries.entry(name) {
            Entry::Vacant(place) => {
                place.insert(value);
            }
            Entry::Occupied(place) => {
                let marks = results.heritage.marks;
                let shown = if marks.is_empty() {
                    format!("{:?}", &**place.key())
                } else {
                    marks.instead().to_owned()
                };
                let detail = format!(
                    "Two different items produced the key {shown} in this 'for' expression. If duplicates are \
                     expected, use the ellipsis (...) after the value expression to enable grouping by key."
                );
                self.fail(codes::KEY, key.span, "Duplicate object key", detail);
                results.failed = true;
            }
        }
    }

    fn included(&mut self, condition: &Node, frame: &Frame<'_>, results: &mut Results) -> bool {
        let value = self.eval(condition, frame);
        let value = results.heritage.take(value);
        if value.is_null() {
            let detail = "The value of the 'if' clause must not be null.";
            self.fail(codes::CONDITION, condition.span, "Condition is null", detail);
            results.failed = true;
            return false;
        }
        match convert(&value, &Type::Bool) {
            Ok(value) => value.as_bool().unwrap_or(false),
            Err(error) => {
                let detail = format!("The 'if' clause value is invalid: {}.", error.message);
                self.fail(codes::CONDITION, condition.span, "Invalid 'for' condition", detail);
                results.failed = true;
                false
            }
        }
    }

    fn key(&mut self, node: &Node, frame: &Frame<'_>, results: &mut Results) -> Option<Name> {
        let key = self.eval(node, frame);
        let key = results.heritage.take(key);
        if key.is_null() {
            let detail = "Key expression in 'for' expression must not produce a null value.";
            self.fail(codes::KEY, node.span, "Invalid object key", detail);
            results.failed = true;
            return None;
        }
        match convert(&key, &Type::String) {
            Ok(name) => as_name(&name).cloned(),
            Err(error) => {
                let detail =
                    format!("The key expression produced an invalid result: {}.", error.message);
                self.fail(codes::KEY, node.span, "Invalid object key", detail);
                results.failed = true;
                None
            }
        }
    }
}
