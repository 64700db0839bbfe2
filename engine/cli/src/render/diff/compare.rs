//! Compares two values, along a schema where there is one.

use std::collections::{BTreeMap, BTreeSet};

use terrarium_address::{AttrPath, Name, PathStep};
use terrarium_provider::{Attribute, Block, NestedBlock, Nesting};
use terrarium_value::{Entries, Kind, Marks, Type, Value};

use super::{BlockDiff, Change, Diff, Node, Sensitivity, canonical};
use crate::render::slices;

/// A value before and after; `None` where it does not exist.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sides<'a> {
    pub(crate) before: Option<&'a Value>,
    pub(crate) after: Option<&'a Value>,
}

impl<'a> Sides<'a> {
    pub(crate) fn new(before: &'a Value, after: &'a Value) -> Self {
        Self { before: Some(before), after: Some(after) }
    }

    /// Takes null for what does not exist.
    fn implicit(self) -> Self {
        let exists =
            |value: &&'a Value| !value.is_null() || value.marks().contains(Marks::SENSITIVE);
        Self { before: self.before.filter(exists), after: self.after.filter(exists) }
    }

    fn map<R>(self, f: impl Fn(&'a Value) -> Option<R>) -> (Option<R>, Option<R>) {
        (self.before.and_then(&f), self.after.and_then(&f))
    }

    fn get(self, name: &str) -> Self {
        let (before, after) = self.map(|value| value.get(name));
        Self { before, after }
    }

    fn keys(self) -> BTreeSet<&'a Name> {
        let (before, after) = self.map(Value::as_entries);
        before.into_iter().chain(after).flat_map(Entries::keys).collect()
    }

    fn items(self) -> (&'a [Value], &'a [Value]) {
        let (before, after) = self.map(Value::as_items);
        (before.unwrap_or_default(), after.unwrap_or_default())
    }

    fn any(self, test: impl Fn(&Value) -> bool) -> bool {
        self.before.is_some_and(&test) || self.after.is_some_and(&test)
    }

    fn all(self, test: impl Fn(&Value) -> bool) -> bool {
        self.before.is_none_or(&test) && self.after.is_none_or(&test)
    }

    fn looks_same(self) -> bool {
        let plain = |value: &Value| canonical(&value.clone().unmarked());
        self.before.map(plain) == self.after.map(plain)
    }
}

/// Compares values; `replace` are the paths whose change forces a replacement.
pub(crate) struct Differ<'a> {
    pub(crate) replace: &'a [AttrPath],
}

impl Differ<'_> {
    /// Compares two values without a schema: outputs, and attributes of any type.
    pub(crate) fn free(&self, sides: Sides<'_>, path: &AttrPath) -> Diff {
        if let Some(diff) = self.hidden(sides, path, &|sides| self.free(sides, path)) {
            return diff;
        }
        let node = if sides.all(is_array) {
            Node::List(list(sides, path, &|sides, path| self.free(sides, path)))
        } else if sides.all(is_entries) {
            Node::Object(self.entries(sides, path, PathStep::Attr))
        } else if sides.all(|value| !is_array(value) && !is_entries(value)) {
            scalar(sides)
        } else {
            let side =
                |before, after| Box::new(self.free(Sides { before, after }, &AttrPath::root()));
            Node::Other { before: side(sides.before, None), after: side(None, sides.after) }
        };
        self.finish(sides, node, path)
    }

    /// Compares two values of a type; null is taken for what does not exist.
    fn typed(&self, sides: Sides<'_>, ty: &Type, path: &AttrPath) -> Diff {
        let sides = sides.implicit();
        if let Some(diff) = self.hidden(sides, path, &|sides| self.typed(sides, ty, path)) {
            return diff;
        }
        let node = match ty {
            Type::Bool | Type::Number | Type::String => scalar(sides),
            Type::List(element) if sides.all(is_array) => {
                Node::List(list(sides, path, &|sides, path| self.typed(sides, element, path)))
            }
            Type::Set(element) if sides.all(is_array) => {
                let path = path.with(PathStep::AnyElement);
                Node::Set(set(sides, &|sides| self.typed(sides, element, &path)))
            }
            Type::Map(element) if sides.all(is_entries) => {
                let keys = sides.keys().into_iter().map(|key| {
                    let diff =
                        self.typed(sides.get(key), element, &path.with(PathStep::Key(key.clone())));
                    (key.clone(), diff)
                });
                Node::Map(keys.collect())
            }
            Type::Object(object) if sides.all(is_entries) => {
                let parts = object.attributes.iter().filter_map(|(name, ty)| {
                    let sides = sides.get(name);
                    let diff = self.typed(sides, ty, &path.with(PathStep::Attr(name.clone())));
                    recorded(sides, diff).map(|diff| (name.clone(), diff))
                });
                Node::Object(parts.collect())
            }
            _ => return self.free(sides, path),
        };
        self.finish(sides, node, path)
    }

    /// Compares two values of a block.
    pub(crate) fn block(&self, sides: Sides<'_>, schema: &Block, path: &AttrPath) -> Diff {
        let sides = sides.implicit();
        if let Some(diff) = self.hidden(sides, path, &|sides| self.block(sides, schema, path)) {
            return diff;
        }
        let mut block = BlockDiff::default();
        for (name, attribute) in &schema.attributes {
            let part = sides.get(name);
            let diff = self.attribute(part, attribute, &path.with(PathStep::Attr(name.clone())));
            block.attributes.extend(recorded(part, diff).map(|diff| (name.clone(), diff)));
        }
        for (name, nested) in &schema.blocks {
            let path = path.with(PathStep::Attr(name.clone()));
            let mut items = self.nested(sides.get(name), nested, &path);
            let forced = self.replace.contains(&path);
            for (_, item) in &mut items {
                item.replace |= forced && item.change != Change::NoOp;
            }
            if !items.is_empty() {
                block.blocks.insert(name.clone(), items);
            }
        }
        let parts = block.blocks.values().flatten().map(|(_, diff)| diff);
        let change = Diff::container(sides, block.attributes.values().chain(parts));
        Diff { change, replace: self.replace.contains(path), node: Node::Block(block) }
    }

    fn attribute(&self, sides: Sides<'_>, attribute: &Attribute, path: &AttrPath) -> Diff {
        if !attribute.sensitive {
            return self.typed(sides, &attribute.ty, path);
        }
        let (before, after) =
            sides.implicit().map(|value| Some(value.clone().marked(Marks::SENSITIVE)));
        let sides = Sides { before: before.as_ref(), after: after.as_ref() };
        self.typed(sides, &attribute.ty, path)
    }

    fn nested(
        &self,
        sides: Sides<'_>,
        nested: &NestedBlock,
        path: &AttrPath,
    ) -> Vec<(Option<Name>, Diff)> {
        let sides = sides.implicit();
        let schema = &nested.block;
        let whole =
            sides.any(|value| !value.is_known() || value.marks().contains(Marks::SENSITIVE));
        if whole || matches!(nested.nesting, Nesting::Single | Nesting::Group) {
            let exists = sides.before.is_some() || sides.after.is_some();
            let diff = exists.then(|| self.block(sides, schema, path));
            return diff.map(|diff| (None, diff)).into_iter().collect();
        }
        match nested.nesting {
            Nesting::Set => {
                let path = path.with(PathStep::AnyElement);
                let diffs = set(sides, &|sides| self.block(sides, schema, &path));
                diffs.into_iter().map(|diff| (None, diff)).collect()
            }
            Nesting::Map => sides
                .keys()
                .into_iter()
                .map(|key| {
                    let path = path.with(PathStep::Key(key.clone()));
                    (Some(key.clone()), self.block(sides.get(key), schema, &path))
                })
                .collect(),
            Nesting::List | Nesting::Single | Nesting::Group => {
                let (before, after) = sides.items();
                (0..before.len().max(after.len()))
                    .map(|at| {
                        let sides = Sides { before: before.get(at), after: after.get(at) };
                        (None, self.block(sides, schema, &path.with(index(at))))
                    })
                    .collect()
            }
        }
    }

    /// Answers for what may not be shown, or is not known yet.
    fn hidden(
        &self,
        sides: Sides<'_>,
        path: &AttrPath,
        known: &dyn Fn(Sides<'_>) -> Diff,
    ) -> Option<Diff> {
        let sensitive = |value: &Value| value.marks().contains(Marks::SENSITIVE);
        let node = if sides.any(sensitive) {
            let value_changes = !sides.looks_same();
            let note = match (sides.before.map(sensitive), sides.after.map(sensitive)) {
                (Some(false), Some(true)) => Some(Sensitivity::Begins { value_changes }),
                (Some(true), Some(false)) => Some(Sensitivity::Ends { value_changes }),
                _ => None,
            };
            let change = match (sides.before, sides.after) {
                (None, _) => Change::Create,
                (_, None) => Change::Delete,
                _ if value_changes || note.is_some() => Change::Update,
                _ => Change::NoOp,
            };
            return Some(self.with_replace(Diff::new(change, Node::Sensitive { note }), path));
        } else if let Some(Kind::Unknown(unknown)) = sides.after.map(Value::kind) {
            let before = Sides { after: None, ..sides };
            let before = sides.before.map(|_| Box::new(known(before)));
            Node::Unknown { before, when: unknown.causes.when() }
        } else {
            return None;
        };
        let change = if sides.before.is_some() { Change::Update } else { Change::Create };
        Some(self.with_replace(Diff::new(change, node), path))
    }

    fn entries(
        &self,
        sides: Sides<'_>,
        path: &AttrPath,
        step: impl Fn(Name) -> PathStep,
    ) -> BTreeMap<Name, Diff> {
        let keys = sides.keys().into_iter();
        keys.map(|key| (key.clone(), self.free(sides.get(key), &path.with(step(key.clone())))))
            .collect()
    }

    fn finish(&self, sides: Sides<'_>, node: Node, path: &AttrPath) -> Diff {
        let change = match &node {
            Node::List(items) | Node::Set(items) => Diff::container(sides, items),
            Node::Map(entries) | Node::Object(entries) => Diff::container(sides, entries.values()),
            Node::Other { .. } => Change::Update,
            _ => match (sides.before, sides.after) {
                (None, Some(_)) => Change::Create,
                (Some(_), None) => Change::Delete,
                _ if sides.looks_same() => Change::NoOp,
                _ => Change::Update,
            },
        };
        self.with_replace(Diff::new(change, node), path)
    }

    fn with_replace(&self, diff: Diff, path: &AttrPath) -> Diff {
        let replace = diff.change != Change::NoOp && self.replace.contains(path);
        Diff { replace, ..diff }
    }
}

fn list(
    sides: Sides<'_>,
    path: &AttrPath,
    compare: &dyn Fn(Sides<'_>, &AttrPath) -> Diff,
) -> Vec<Diff> {
    let (before, after) = sides.items();
    let mut ids = BTreeMap::new();
    let mut number = |items: &[Value]| -> Vec<u32> {
        items
            .iter()
            .map(|item| {
                let next = u32::try_from(ids.len()).unwrap_or(u32::MAX);
                *ids.entry(canonical(item)).or_insert(next)
            })
            .collect()
    };
    let (numbers_before, numbers_after) = (number(before), number(after));
    let objects = |b: usize, a: usize| {
        before.get(b).is_some_and(is_entries) && after.get(a).is_some_and(is_entries)
    };
    slices::pair(&numbers_before, &numbers_after, &objects)
        .into_iter()
        .map(|(b, a)| {
            let sides = Sides {
                before: b.and_then(|at| before.get(at)),
                after: a.and_then(|at| after.get(at)),
            };
            compare(sides, &path.with(index(a.or(b).unwrap_or_default())))
        })
        .collect()
}

fn index(at: usize) -> PathStep {
    PathStep::Index(u64::try_from(at).unwrap_or(u64::MAX))
}

fn scalar(sides: Sides<'_>) -> Node {
    Node::Scalar { before: sides.before.cloned(), after: sides.after.cloned() }
}

/// Drops what is null on both sides: a resource has many such attributes, and none says anything.
fn recorded(sides: Sides<'_>, diff: Diff) -> Option<Diff> {
    let sides = sides.implicit();
    let nothing = diff.change == Change::NoOp && sides.before.is_none() && sides.after.is_none();
    (!nothing).then_some(diff)
}

/// Pairs equal elements; the others went or came.
fn set(sides: Sides<'_>, compare: &dyn Fn(Sides<'_>) -> Diff) -> Vec<Diff> {
    let (before, after) = sides.items();
    let mut came: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
    for item in after.iter().rev() {
        came.entry(canonical(item)).or_default().push(item);
    }
    let mut kept: BTreeMap<String, usize> = BTreeMap::new();
    let mut diffs: Vec<Diff> = before
        .iter()
        .map(|item| {
            let key = canonical(item);
            let twin = came.get_mut(&key).and_then(Vec::pop);
            *kept.entry(key).or_default() += usize::from(twin.is_some());
            compare(Sides { before: Some(item), after: twin })
        })
        .collect();
    for item in after {
        match kept.get_mut(&canonical(item)) {
            Some(left) if *left > 0 => *left -= 1,
            _ => diffs.push(compare(Sides { before: None, after: Some(item) })),
        }
    }
    diffs
}

fn is_array(value: &Value) -> bool {
    matches!(value.kind(), Kind::List(_) | Kind::Set(_) | Kind::Tuple(_))
}

fn is_entries(value: &Value) -> bool {
    matches!(value.kind(), Kind::Map(_) | Kind::Object(_))
}
