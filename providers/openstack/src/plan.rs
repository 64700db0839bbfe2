//! Planning an instance: the rules of Terraform's plugin SDK, as far as users can see them.
//!
//! Null and zero are the same; what is optional and computed keeps its prior value; a block list is
//! replaced as a whole when a member that forces a new object differs.

use terrarium_address::{AttrPath, PathStep};
use terrarium_diagnostic::Diagnostics;
use terrarium_provider::{PlanOutcome, PlanReply, PlanRequest, PlannedChange, Schedule};
use terrarium_value::{Causes, Kind, Map, Value};

use crate::look::is_zero;
use crate::same::same;
use crate::schema::{Attr, Literal, Resource, Shape, element_type, type_of};

/// A plan in the making, for the hooks to adjust.
pub(crate) struct Draft<'a> {
    /// The type.
    pub(crate) row: &'static Resource,
    /// The major version that the configuration selects.
    pub(crate) major: u64,
    /// The values before; `None` for a create.
    pub(crate) prior: Option<&'a Value>,
    /// The configuration.
    pub(crate) config: &'a Value,
    /// The planned values so far.
    pub(crate) planned: Map,
    /// Paths whose change needs a new object.
    pub(crate) replace: Vec<AttrPath>,
    /// Errors and warnings.
    pub(crate) diagnostics: Diagnostics,
}

impl Draft<'_> {
    /// Returns whether an attribute changes.
    pub(crate) fn changes(&self, name: &str) -> bool {
        let (Some(row), Some(prior)) = (self.row.attribute(name), self.prior) else { return false };
        match (prior.get(name), self.planned.get(name)) {
            (Some(before), Some(after)) => !same(row, before, after),
            _ => false,
        }
    }

    /// Sets a planned value.
    pub(crate) fn set(&mut self, name: &str, value: Value) {
        match self.planned.get_mut(name) {
            Some(slot) => *slot = value,
            None => {
                self.planned.insert(name.into(), value);
            }
        }
    }

    /// Makes an attribute unknown until the apply.
    pub(crate) fn forget(&mut self, name: &str) {
        if let Some(row) = self.row.attribute(name) {
            self.set(name, Value::unknown(type_of(&row.shape), Causes::NONE));
        }
    }

    /// Takes back a difference that is none: the prior value stays, and nothing is replaced for it.
    pub(crate) fn keep(&mut self, name: &str) {
        if let Some(before) = self.prior.and_then(|prior| prior.get(name)) {
            self.planned.insert(name.into(), before.clone());
            let path = AttrPath::attr(name);
            self.replace.retain(|one| !one.is_within(&path));
        }
    }

    /// Demands a new object because of an attribute.
    pub(crate) fn force_new(&mut self, name: &str) {
        let path = AttrPath::attr(name);
        if self.prior.is_some() && !self.replace.contains(&path) {
            self.replace.push(path);
        }
    }
}

/// How a batch is planned.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Planning {
    /// The major version that the configuration selects.
    pub(crate) major: u64,
    /// Whether the cloud may be asked.
    pub(crate) online: bool,
}

/// Plans one instance.
pub(crate) fn plan(row: &'static Resource, major: u64, request: &PlanRequest) -> PlanReply {
    let mut draft = merged(row, major, request);
    row.hooks.plan(&mut draft);
    reply(draft, request)
}

/// Answers with what became of a draft: refused where it has errors.
pub(crate) fn reply(draft: Draft<'_>, request: &PlanRequest) -> PlanReply {
    if draft.diagnostics.has_errors() {
        return PlanReply::refused(draft.diagnostics);
    }
    let planned = match &request.prior {
        Some(prior) if unchanged(prior, &draft.planned) => prior.clone(),
        _ => Value::object(draft.planned),
    };
    let change = PlannedChange {
        planned,
        requires_replace: draft.replace,
        private: request.private.clone(),
        schedule: Schedule::default(),
        window: None,
        notes: terrarium_provider::PlanNotes::default(),
        claims: Vec::new(),
    };
    PlanReply { outcome: PlanOutcome::Planned(Box::new(change)), diagnostics: draft.diagnostics }
}

fn unchanged(prior: &Value, planned: &Map) -> bool {
    planned.iter().all(|(name, value)| prior.get(name).is_some_and(|before| before == value))
}

/// Merges prior values and configuration by the rules of the rows.
pub(crate) fn merged<'a>(
    row: &'static Resource,
    major: u64,
    request: &'a PlanRequest,
) -> Draft<'a> {
    let proposed = request.proposed.to_map().unwrap_or_default();
    let mut draft = Draft {
        row,
        major,
        prior: request.prior.as_ref(),
        config: &request.config,
        planned: proposed,
        replace: Vec::new(),
        diagnostics: Diagnostics::new(),
    };
    for attr in row.attributes {
        let config = request.config.get(attr.name).cloned();
        let config = config.unwrap_or_else(|| Value::null(type_of(&attr.shape)));
        let prior = draft.prior.and_then(|prior| prior.get(attr.name));
        let path = AttrPath::attr(attr.name);
        let before = if draft.prior.is_some() { Before::Was(prior) } else { Before::Nothing };
        let (value, replace) = merge(attr, &config, before, &path);
        let value = if value.is_known() {
            value
        } else {
            // The engine's own unknown says what it waits for.
            draft.planned.get(attr.name).filter(|own| !own.is_known()).cloned().unwrap_or(value)
        };
        draft.set(attr.name, value);
        draft.replace.extend(replace);
    }
    plan_id_and_timeouts(&mut draft);
    draft
}

fn plan_id_and_timeouts(draft: &mut Draft<'_>) {
    let id = match draft.prior.and_then(|prior| prior.get("id")) {
        Some(id) => id.clone(),
        None => match draft.planned.get("id") {
            Some(own) if !own.is_known() => own.clone(),
            _ => Value::unknown(terrarium_value::Type::String, Causes::NONE),
        },
    };
    draft.set("id", id);
    if let Some(timeouts) = draft.config.get("timeouts") {
        draft.set("timeouts", timeouts.clone());
    }
}

/// What was there before.
#[derive(Clone, Copy)]
enum Before<'a> {
    /// The object, or the block, is new.
    Nothing,
    /// The object was there; the attribute may still be missing from an old state.
    Was(Option<&'a Value>),
}

impl<'a> Before<'a> {
    fn value(self) -> Option<&'a Value> {
        match self {
            Self::Nothing => None,
            Self::Was(value) => value,
        }
    }
}

/// Returns the planned value of an attribute, and the paths in it whose change needs a new object.
fn merge(
    row: &Attr,
    config: &Value,
    before: Before<'_>,
    path: &AttrPath,
) -> (Value, Vec<AttrPath>) {
    if let Shape::Blocks { set, attributes, .. } = row.shape {
        return merge_blocks(row, (set, attributes), config, before, path);
    }
    let prior = before.value();
    let wanted =
        if config.is_null() { row.default.map(Literal::value) } else { Some(stored(row, config)) };
    let planned = match (wanted, prior) {
        (Some(wanted), Some(prior)) if same(row, prior, &wanted) => prior.clone(),
        (Some(wanted), _) => wanted,
        (None, prior) if row.presence.is_computed() => match (prior, before) {
            (Some(prior), _) => prior.clone(),
            (None, _) => Value::unknown(type_of(&row.shape), Causes::NONE),
        },
        (None, Some(prior)) if is_zero(prior) => prior.clone(),
        (None, _) => Value::null(type_of(&row.shape)),
    };
    let changed = match before {
        Before::Nothing => false,
        Before::Was(Some(prior)) => !same(row, prior, &planned),
        Before::Was(None) => !is_zero(&planned),
    };
    let replace = if changed && row.force_new { vec![path.clone()] } else { Vec::new() };
    (planned, replace)
}

fn stored(row: &Attr, config: &Value) -> Value {
    match (row.stored, config.as_str()) {
        (Some(stored), Some(text)) if !text.is_empty() => {
            Value::string(stored(text)).marked(config.marks())
        }
        _ => config.clone(),
    }
}

fn merge_blocks(
    row: &Attr,
    (set, attributes): (bool, &'static [Attr]),
    config: &Value,
    before: Before<'_>,
    path: &AttrPath,
) -> (Value, Vec<AttrPath>) {
    let old = before.value().and_then(Value::as_items).unwrap_or_default();
    let existed = matches!(before, Before::Was(_));
    let Some(items) = config.as_items() else {
        if !config.is_known() {
            let replace = existed && row.forces_new_within();
            return (config.clone(), if replace { vec![path.clone()] } else { Vec::new() });
        }
        return merge_blocks(
            row,
            (set, attributes),
            &Value::list(element_type(attributes), vec![]),
            before,
            path,
        );
    };
    if items.is_empty() && (row.presence.is_computed() || before.value().is_some_and(is_zero)) {
        let kept = before.value().cloned();
        return (
            kept.unwrap_or_else(|| Value::unknown(type_of(&row.shape), Causes::NONE)),
            Vec::new(),
        );
    }
    let mut replace = Vec::new();
    let mut planned = Vec::with_capacity(items.len());
    for (at, item) in items.iter().enumerate() {
        let was =
            if set { old.iter().find(|old| covers(attributes, item, old)) } else { old.get(at) };
        let inner_path =
            path.with(if set { PathStep::AnyElement } else { PathStep::Index(at as u64) });
        let (value, inner) = merge_element(attributes, item, was, &inner_path);
        planned.push(value);
        replace.extend(inner);
    }
    let element = element_type(attributes);
    let planned = if set { Value::set(element, planned) } else { Value::list(element, planned) };
    if existed && row.forces_new_within() {
        let members = planned.as_items().unwrap_or_default();
        let differs = members.len() != old.len()
            || (set
                && !members.iter().all(|one| old.iter().any(|old| covers(attributes, one, old))));
        if differs {
            replace = vec![path.clone()];
        }
    }
    (planned, replace)
}

fn merge_element(
    attributes: &'static [Attr],
    item: &Value,
    was: Option<&Value>,
    path: &AttrPath,
) -> (Value, Vec<AttrPath>) {
    if !item.is_known() {
        return (item.clone(), vec![path.clone()]);
    }
    let mut replace = Vec::new();
    let fields = attributes.iter().map(|inner| {
        let config = item.get(inner.name).cloned();
        let config = config.unwrap_or_else(|| Value::null(type_of(&inner.shape)));
        let before = was.map_or(Before::Nothing, |was| Before::Was(was.get(inner.name)));
        let (value, paths) =
            merge(inner, &config, before, &path.with(PathStep::Attr(inner.name.into())));
        replace.extend(paths);
        (inner.name, value)
    });
    let value = Value::object_of(fields.collect::<Vec<_>>());
    (value, replace)
}

/// Returns whether an existing element is what a configured one asks for.
fn covers(attributes: &[Attr], wanted: &Value, old: &Value) -> bool {
    attributes.iter().all(|inner| {
        let (Some(wanted), Some(old)) = (wanted.get(inner.name), old.get(inner.name)) else {
            return true;
        };
        match (wanted.kind(), inner.default) {
            (Kind::Null(_) | Kind::Unknown(_), _) if inner.presence.is_computed() => true,
            (Kind::Null(_), Some(default)) => same(inner, &default.value(), old),
            _ => same(inner, &stored(inner, wanted), old),
        }
    })
}
