//! Walks over the parts of a value: marks, causes, paths, rebuilding.

use std::sync::Arc;

use terrarium_address::{AttrPath, Name, PathStep};

use crate::value::Repr;
use crate::{Causes, Entries, Marks, Type, Value};

/// What is deep inside a value.
impl Value {
    /// Returns whether neither it nor a part of it is unknown.
    pub fn is_wholly_known(&self) -> bool {
        self.is_known() && self.children().all(Self::is_wholly_known)
    }

    /// Returns whether it is a set whose elements may turn out to be equal, since some are unknown.
    pub fn is_of_unknown_length(&self) -> bool {
        matches!(&self.repr, Repr::Set(set) if set.items.len() > 1) && !self.is_wholly_known()
    }

    /// Returns the marks of it and of all its parts.
    pub fn deep_marks(&self) -> Marks {
        self.children().fold(self.marks, |marks, child| marks | child.deep_marks())
    }

    /// Returns the value without any marks, its parts included.
    #[must_use]
    pub fn unmarked_deep(&self) -> Self {
        if self.deep_marks().is_empty() {
            return self.clone();
        }
        let bare = self.rebuild(&mut |_, child| child.unmarked_deep());
        bare.unmarked()
    }

    /// Returns what its unknown parts wait for.
    pub fn causes_deep(&self) -> Causes {
        let mut sets = Vec::new();
        self.each_part(&mut AttrPath::root(), &mut |_, part| {
            if let Repr::Unknown(unknown) = &part.repr {
                sets.push(unknown.causes.clone());
            }
        });
        Causes::union(&sets)
    }

    /// Calls for each part that has no parts of its own: primitives, nulls, unknowns, and empty
    /// collections.
    pub fn for_each_leaf(&self, visit: &mut dyn FnMut(&AttrPath, &Self)) {
        self.each_part(&mut AttrPath::root(), &mut |path, part| {
            if part.children().next().is_none() {
                visit(path, part);
            }
        });
    }

    /// Calls for the value and each of its parts, outer ones first.
    pub fn for_each_part(&self, visit: &mut dyn FnMut(&AttrPath, &Self)) {
        self.each_part(&mut AttrPath::root(), visit);
    }

    /// Lists the paths of the unknown parts.
    pub fn unknown_paths(&self) -> Vec<AttrPath> {
        let mut found = Vec::new();
        self.for_each_part(&mut |path, part| {
            if !part.is_known() {
                found.push(path.clone());
            }
        });
        found
    }

    /// Lists the paths of the parts that carry all of these marks themselves.
    pub fn paths_with_mark(&self, marks: Marks) -> Vec<AttrPath> {
        let mut found = Vec::new();
        if self.deep_marks().contains(marks) {
            self.for_each_part(&mut |path, part| {
                if part.marks.contains(marks) {
                    found.push(path.clone());
                }
            });
        }
        found
    }

    fn each_part(&self, path: &mut AttrPath, visit: &mut dyn FnMut(&AttrPath, &Self)) {
        visit(path, self);
        self.each_child(&mut |step, child| {
            path.0.push(step);
            child.each_part(path, visit);
            path.0.pop();
        });
    }

    fn children(&self) -> Children<'_> {
        match &self.repr {
            Repr::List(list) | Repr::Set(list) => Children::Items(list.items.iter()),
            Repr::Tuple(items) => Children::Items(items.iter()),
            Repr::Map(map) => Children::Entries(map.entries.values()),
            Repr::Object(attributes) => Children::Entries(attributes.values()),
            _ => Children::None,
        }
    }

    fn each_child(&self, visit: &mut dyn FnMut(PathStep, &Self)) {
        match &self.repr {
            Repr::List(list) => each_item(&list.items, visit),
            Repr::Tuple(items) => each_item(items, visit),
            Repr::Set(set) => set.items.iter().for_each(|item| visit(PathStep::AnyElement, item)),
            Repr::Map(map) => {
                map.entries
                    .iter()
                    .for_each(|(key, value)| visit(PathStep::Key(key.clone()), value));
            }
            Repr::Object(attributes) => {
                attributes
                    .iter()
                    .for_each(|(name, value)| visit(PathStep::Attr(name.clone()), value));
            }
            _ => {}
        }
    }
}

/// Iterator over the parts directly inside a value.
enum Children<'a> {
    None,
    Items(std::slice::Iter<'a, Value>),
    Entries(crate::Parts<'a>),
}

impl<'a> Iterator for Children<'a> {
    type Item = &'a Value;

    fn next(&mut self) -> Option<&'a Value> {
        match self {
            Self::None => None,
            Self::Items(items) => items.next(),
            Self::Entries(entries) => entries.next(),
        }
    }
}

fn each_item(items: &[Value], visit: &mut dyn FnMut(PathStep, &Value)) {
    for (at, item) in (0..).zip(items) {
        visit(PathStep::Index(at), item);
    }
}

/// Paths and rebuilding.
impl Value {
    /// Rebuilds the value from its parts, inner ones first; the marks of a container stay on it.
    ///
    /// The function must keep the types of the elements of lists, sets and maps.
    #[must_use]
    pub fn transform(&self, change: &mut dyn FnMut(&AttrPath, Self) -> Self) -> Self {
        self.transform_at(&mut AttrPath::root(), change)
    }

    fn transform_at(
        &self,
        path: &mut AttrPath,
        change: &mut dyn FnMut(&AttrPath, Self) -> Self,
    ) -> Self {
        let rebuilt = self.rebuild(&mut |step, child| {
            path.0.push(step);
            let child = child.transform_at(path, change);
            path.0.pop();
            child
        });
        change(path, rebuilt)
    }

    /// Returns the part at a path, with the marks of all it lies in. Inside an unknown, the part is
    /// unknown too; inside null or a set, and where there is no such part, there is none.
    pub fn at(&self, path: &AttrPath) -> Option<Self> {
        let mut here = self.clone();
        for step in &path.0 {
            let marks = here.marks;
            here = here.step(step)?.marked(marks);
        }
        Some(here)
    }

    fn step(&self, step: &PathStep) -> Option<Self> {
        if let Repr::Unknown(unknown) = &self.repr {
            let ty = part_type(&unknown.ty, step)?;
            return Some(Self::unknown(ty, unknown.causes.clone()));
        }
        match step {
            PathStep::Attr(name) | PathStep::Key(name) => self.get(name).cloned(),
            PathStep::Index(at) => match &self.repr {
                Repr::List(_) | Repr::Tuple(_) => {
                    self.as_items()?.get(usize::try_from(*at).ok()?).cloned()
                }
                _ => None,
            },
            PathStep::AnyElement => None,
        }
    }

    /// Returns the value with these marks on the parts at these paths; where a path leads into a
    /// set, on the set. Paths that lead nowhere are left out.
    #[must_use]
    pub fn mark_paths(&self, paths: &[AttrPath], marks: Marks) -> Self {
        paths.iter().fold(self.clone(), |value, path| mark_at(&value, &path.0, marks))
    }

    /// Changes the parts directly inside; where none is another afterwards, the value is shared with this one.
    fn rebuild(&self, change: &mut dyn FnMut(PathStep, &Self) -> Self) -> Self {
        let rebuilt = match &self.repr {
            Repr::List(list) => rebuild_items(&list.items, change)
                .map(|items| Self::list(list.element.clone(), items)),
            Repr::Tuple(items) => rebuild_items(items, change).map(Self::tuple),
            Repr::Set(set) => {
                let mut any = |_, item: &Self| change(PathStep::AnyElement, item);
                rebuild_items(&set.items, &mut any)
                    .map(|items| Self::set(set.element.clone(), items))
            }
            Repr::Map(map) => {
                let step = |key: &Name| PathStep::Key(key.clone());
                rebuild_entries(&map.entries, step, change)
                    .map(|entries| Self::map(map.element.clone(), entries))
            }
            Repr::Object(attributes) => {
                let step = |name: &Name| PathStep::Attr(name.clone());
                rebuild_entries(attributes, step, change).map(Self::object)
            }
            _ => None,
        };
        rebuilt.map_or_else(|| self.clone(), |rebuilt| rebuilt.marked(self.marks))
    }

    /// Returns whether it is certain, without a look at its parts, that both are the same.
    fn is_same(&self, other: &Self) -> bool {
        self.marks == other.marks
            && match (&self.repr, &other.repr) {
                (Repr::Unknown(a), Repr::Unknown(b)) => Arc::ptr_eq(a, b),
                (Repr::Null(a), Repr::Null(b)) => a.is_same(b),
                (Repr::Bool(a), Repr::Bool(b)) => a == b,
                (Repr::Number(a), Repr::Number(b)) => a == b,
                (Repr::String(a), Repr::String(b)) => Arc::ptr_eq(a, b),
                (Repr::List(a), Repr::List(b)) | (Repr::Set(a), Repr::Set(b)) => Arc::ptr_eq(a, b),
                (Repr::Map(a), Repr::Map(b)) => Arc::ptr_eq(a, b),
                (Repr::Tuple(a), Repr::Tuple(b)) => Arc::ptr_eq(a, b),
                (Repr::Object(a), Repr::Object(b)) => a.same_place(b),
                _ => false,
            }
    }
}

/// Changes items; `None`: all stay as they are.
fn rebuild_items(
    items: &[Value],
    change: &mut dyn FnMut(PathStep, &Value) -> Value,
) -> Option<Vec<Value>> {
    rebuild(items, |at, item| {
        let changed = change(PathStep::Index(at as u64), item);
        (!changed.is_same(item)).then_some(changed)
    })
}

/// Changes entries; `None`: all stay as they are.
fn rebuild_entries(
    entries: &Entries,
    step: impl Fn(&Name) -> PathStep,
    change: &mut dyn FnMut(PathStep, &Value) -> Value,
) -> Option<Entries> {
    let rebuilt = rebuild(entries.as_slice(), |_, (key, value)| {
        let changed = change(step(key), value);
        (!changed.is_same(value)).then(|| (key.clone(), changed))
    });
    rebuilt.map(|all| all.into_iter().collect())
}

/// Puts what changed in its place; `None`: nothing did.
fn rebuild<T: Clone>(
    parts: &[T],
    mut changed: impl FnMut(usize, &T) -> Option<T>,
) -> Option<Vec<T>> {
    let mut rebuilt: Option<Vec<T>> = None;
    for (at, part) in parts.iter().enumerate() {
        match (changed(at, part), &mut rebuilt) {
            (Some(changed), Some(all)) => all.push(changed),
            (None, Some(all)) => all.push(part.clone()),
            (None, None) => {}
            (Some(changed), None) => {
                let mut all = Vec::with_capacity(parts.len());
                all.extend(parts.iter().take(at).cloned());
                all.push(changed);
                rebuilt = Some(all);
            }
        }
    }
    rebuilt
}

fn mark_at(value: &Value, steps: &[PathStep], marks: Marks) -> Value {
    let Some((step, rest)) = steps.split_first() else { return value.clone().marked(marks) };
    if matches!(value.repr, Repr::Set(_)) {
        return value.clone().marked(marks);
    }
    if value.step(step).is_none() || !value.is_known() {
        return value.clone();
    }
    value.rebuild(&mut |at, child| {
        if names_same(&at, step) { mark_at(child, rest, marks) } else { child.clone() }
    })
}

/// Attributes and keys name alike: a path from a schema says one, the value may be the other.
fn names_same(left: &PathStep, right: &PathStep) -> bool {
    match (left, right) {
        (PathStep::Attr(a) | PathStep::Key(a), PathStep::Attr(b) | PathStep::Key(b)) => a == b,
        _ => left == right,
    }
}

fn part_type(ty: &Type, step: &PathStep) -> Option<Type> {
    match (ty, step) {
        (Type::Dynamic, _) => Some(Type::Dynamic),
        (Type::Object(object), PathStep::Attr(name) | PathStep::Key(name)) => {
            object.attributes.get(name).cloned()
        }
        (Type::Map(element), PathStep::Attr(_) | PathStep::Key(_))
        | (Type::List(element), PathStep::Index(_)) => Some(Type::clone(element)),
        (Type::Tuple(elements), PathStep::Index(at)) => {
            elements.get(usize::try_from(*at).ok()?).cloned()
        }
        _ => None,
    }
}
