//! Equality: the language's, which may be unknown, and that of values as data.

use std::hash::{Hash, Hasher};
use std::mem::discriminant;
use std::sync::Arc;

use crate::value::Repr;
use crate::{Causes, Entries, Refinements, Type, Unknown, Value};

/// What a comparison says before marks are put on it.
enum Verdict {
    Equal,
    Different,
    Undecided,
}

impl Value {
    /// Compares as `==` does: a bool, or unknown with the causes of both; marks of both are on it.
    ///
    /// Values of different types are different: the caller converts where the language does.
    #[must_use]
    pub fn equals(&self, other: &Self) -> Self {
        let marks = self.deep_marks() | other.deep_marks();
        // The literal null equals null of any type; inside, types count.
        let both_null = self.is_null() && other.is_null();
        let verdict = if both_null { Verdict::Equal } else { decide(self, other) };
        let result = match verdict {
            Verdict::Equal => Self::bool(true),
            Verdict::Different => Self::bool(false),
            Verdict::Undecided => Self::refined(Unknown {
                ty: Type::Bool,
                refinements: Refinements { not_null: true, ..Refinements::default() },
                causes: Causes::union([&self.causes_deep(), &other.causes_deep()]),
            }),
        };
        result.marked(marks)
    }

    /// Compares as data: types, nulls, unknowns and marks count, the causes of unknowns do not.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        if self.marks != other.marks {
            return false;
        }
        match (&self.repr, &other.repr) {
            (Repr::Unknown(a), Repr::Unknown(b)) => a.ty == b.ty && a.refinements == b.refinements,
            (Repr::Null(a), Repr::Null(b)) => a == b,
            (Repr::Bool(a), Repr::Bool(b)) => a == b,
            (Repr::Number(a), Repr::Number(b)) => a == b,
            (Repr::String(a), Repr::String(b)) => a == b,
            (Repr::List(a), Repr::List(b)) | (Repr::Set(a), Repr::Set(b)) => {
                Arc::ptr_eq(a, b) || a.element == b.element && same_items(&a.items, &b.items)
            }
            (Repr::Map(a), Repr::Map(b)) => {
                Arc::ptr_eq(a, b) || a.element == b.element && same_entries(&a.entries, &b.entries)
            }
            (Repr::Tuple(a), Repr::Tuple(b)) => Arc::ptr_eq(a, b) || same_items(a, b),
            (Repr::Object(a), Repr::Object(b)) => a.same_place(b) || same_entries(a, b),
            _ => false,
        }
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.same(other)
    }
}

impl Eq for Value {}

/// Agrees with [`Value::same`].
impl Hash for Value {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.marks.hash(state);
        discriminant(&self.repr).hash(state);
        match &self.repr {
            Repr::Unknown(unknown) => unknown.ty.hash(state),
            Repr::Null(ty) => ty.hash(state),
            Repr::Bool(value) => value.hash(state),
            Repr::Number(value) => value.hash(state),
            Repr::String(value) => value.hash(state),
            Repr::List(list) | Repr::Set(list) => list.items.hash(state),
            Repr::Map(map) => map.entries.hash(state),
            Repr::Tuple(items) => items.hash(state),
            Repr::Object(attributes) => attributes.hash(state),
        }
    }
}

fn same_items(left: &[Value], right: &[Value]) -> bool {
    left.len() == right.len() && left.iter().zip(right).all(|(a, b)| a.same(b))
}

fn same_entries(left: &Entries, right: &Entries) -> bool {
    left.len() == right.len()
        && left.iter().zip(right).all(|((name, a), (other, b))| name == other && a.same(b))
}

fn decide(left: &Value, right: &Value) -> Verdict {
    match (&left.repr, &right.repr) {
        (Repr::Unknown(unknown), _) => decide_unknown(unknown, right),
        (_, Repr::Unknown(unknown)) => decide_unknown(unknown, left),
        (Repr::Null(a), Repr::Null(b)) => verdict(a == b),
        (Repr::Bool(a), Repr::Bool(b)) => verdict(a == b),
        (Repr::Number(a), Repr::Number(b)) => verdict(a == b),
        (Repr::String(a), Repr::String(b)) => verdict(a == b),
        (Repr::List(a), Repr::List(b)) if same_element(&a.element, &b.element) => {
            decide_items(&a.items, &b.items)
        }
        (Repr::Set(a), Repr::Set(b)) if same_element(&a.element, &b.element) => {
            decide_sets(left, right)
        }
        (Repr::Map(a), Repr::Map(b)) if same_element(&a.element, &b.element) => {
            decide_entries(&a.entries, &b.entries)
        }
        (Repr::Tuple(a), Repr::Tuple(b)) => decide_items(a, b),
        (Repr::Object(a), Repr::Object(b)) => decide_entries(a, b),
        _ => Verdict::Different,
    }
}

/// Element types of collections that may be equal; `any` is that of an empty one.
fn same_element(left: &Type, right: &Type) -> bool {
    left == right || left.has_dynamic() || right.has_dynamic()
}

fn verdict(equal: bool) -> Verdict {
    if equal { Verdict::Equal } else { Verdict::Different }
}

/// An unknown is different from what it can't become.
fn decide_unknown(unknown: &Unknown, other: &Value) -> Verdict {
    let known = &unknown.refinements;
    let impossible = match &other.repr {
        Repr::Null(_) => known.not_null,
        Repr::String(text) => {
            known.prefix.as_ref().is_some_and(|prefix| !text.starts_with(&**prefix))
        }
        Repr::Number(number) => {
            known.lower.as_deref().is_some_and(|(low, with)| number < low || number == low && !with)
                || known
                    .upper
                    .as_deref()
                    .is_some_and(|(high, with)| number > high || number == high && !with)
        }
        Repr::List(items) => out_of_bounds(known, items.items.len()),
        Repr::Map(map) => out_of_bounds(known, map.entries.len()),
        _ => false,
    };
    if impossible { Verdict::Different } else { Verdict::Undecided }
}

fn out_of_bounds(known: &Refinements, length: usize) -> bool {
    let length = u64::try_from(length).unwrap_or(u64::MAX);
    length < known.min_length || known.max_length.is_some_and(|most| length > most)
}

fn decide_items(left: &[Value], right: &[Value]) -> Verdict {
    if left.len() != right.len() {
        return Verdict::Different;
    }
    decide_all(left.iter().zip(right))
}

fn decide_entries(left: &Entries, right: &Entries) -> Verdict {
    if left.len() != right.len() || left.keys().ne(right.keys()) {
        return Verdict::Different;
    }
    decide_all(left.values().zip(right.values()))
}

/// The first pair that is not equal decides, as in Terraform.
fn decide_all<'a>(pairs: impl Iterator<Item = (&'a Value, &'a Value)>) -> Verdict {
    for (left, right) in pairs {
        match decide(left, right) {
            Verdict::Equal => {}
            verdict => return verdict,
        }
    }
    Verdict::Equal
}

fn decide_sets(left: &Value, right: &Value) -> Verdict {
    if !left.is_wholly_known() || !right.is_wholly_known() {
        return Verdict::Undecided;
    }
    let (a, b) = (left.as_items().unwrap_or_default(), right.as_items().unwrap_or_default());
    // Both are sorted and without duplicates.
    if a.len() == b.len() { decide_all(a.iter().zip(b)) } else { Verdict::Different }
}
