//! `count` and `for_each`: which instances a block has.

use std::collections::BTreeMap;
use std::rc::Rc;

use terrarium_address::{ConfigAddr, InstanceKey};
use terrarium_diagnostic::Diagnostic;
use terrarium_lang::Expr;
use terrarium_value::{Cause, Causes, Kind, Marks, Type, Value, convert};

use super::ephemeral::is_ephemeral;
use super::{At, Deps, ModuleId, Unsettled, World};
use crate::codes;

/// How a block is repeated, as far as its source tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Neither `count` nor `for_each`.
    Single,
    /// `count`.
    Count,
    /// `for_each`.
    ForEach,
}

impl Shape {
    pub(crate) fn of(count: Option<&Expr>, for_each: Option<&Expr>) -> Self {
        match (count, for_each) {
            (None, None) => Self::Single,
            (Some(_), _) => Self::Count,
            (None, Some(_)) => Self::ForEach,
        }
    }
}

/// The instances of a block within one module instance.
#[derive(Debug)]
pub(crate) struct Repetition {
    pub(crate) shape: Shape,
    /// Keys, each with `each.value` where there is one; `None`: it could not be told.
    pub(crate) instances: Option<BTreeMap<InstanceKey, Option<Value>>>,
    /// Why it could not be told, where that is no mistake.
    pub(crate) waits: Option<Unsettled>,
    /// What `count` or `for_each` read.
    pub(crate) deps: Deps,
}

impl Repetition {
    /// The repetition of a block about which nothing can be told; that is reported already.
    pub(super) fn untold(shape: Shape) -> Self {
        Self { shape, instances: None, waits: None, deps: Deps::default() }
    }
}

/// Keys, each with `each.value` where there is one.
type Instances = BTreeMap<InstanceKey, Option<Value>>;

/// What a `count` or `for_each` came to.
enum Told {
    /// These instances.
    Are(Instances),
    /// It is not known yet.
    Waits(Causes),
    /// It is wrong, and that is reported.
    Wrong,
}

impl World<'_> {
    /// Returns the repetition of a block or call, evaluated once.
    pub(crate) fn repetition(
        &self,
        module: ModuleId,
        at: &ConfigAddr,
        exprs: (Option<&Expr>, Option<&Expr>),
    ) -> Rc<Repetition> {
        if let Some(known) = self.repetitions.borrow().get(at) {
            return known.clone();
        }
        let shape = Shape::of(exprs.0, exprs.1);
        if shape == Shape::Single
            && self.phase != super::Phase::Validate
            && self.waiting(at).is_none()
        {
            return self.single();
        }
        let (told, deps) = self.recording(|| match (self.waiting(at), exprs) {
            (Some(causes), _) => Told::Waits(causes),
            (None, (None, None)) => Told::Are(BTreeMap::from([(InstanceKey::None, None)])),
            (None, (Some(count), _)) => self.count(module, count),
            (None, (None, Some(for_each))) => self.for_each(module, for_each),
        });
        let (instances, waits) = match told {
            _ if self.phase == super::Phase::Validate => (Some(placeholder(shape)), None),
            Told::Are(instances) => match self.too_many(at, instances.len()) {
                None => (Some(instances), None),
                Some(why) => {
                    let expr = exprs.0.or(exprs.1);
                    self.report(too_many(expr, shape, &why));
                    (None, None)
                }
            },
            Told::Wrong => (None, None),
            Told::Waits(causes) => {
                if self.phase == super::Phase::Plan {
                    self.wait_for(at, causes.clone());
                }
                let argument = if shape == Shape::Count { "count" } else { "for_each" };
                (None, Some(Unsettled { argument: argument.to_owned(), causes }))
            }
        };
        let repetition = Rc::new(Repetition { shape, instances, waits, deps });
        if self.phase == super::Phase::Apply && repetition.instances.is_none() {
            // It may be known before the apply ends.
            return repetition;
        }
        self.repetitions.borrow_mut().insert(at.clone(), repetition.clone());
        repetition
    }

    /// Counts the instances of a block with those in other instances of its module; says why they are too many,
    /// where they are.
    fn too_many(&self, at: &ConfigAddr, more: usize) -> Option<String> {
        let mut counted = self.counted.borrow_mut();
        let all = counted.entry(at.config()).or_default();
        *all = all.saturating_add(more);
        self.inputs.environment.limits.check_instances(*all).err()
    }

    /// Returns the repetition of what is not repeated: there is one for all.
    fn single(&self) -> Rc<Repetition> {
        let make = || {
            let instances = Some(BTreeMap::from([(InstanceKey::None, None)]));
            let ((), deps) = self.recording(|| ());
            Rc::new(Repetition { shape: Shape::Single, instances, waits: None, deps })
        };
        self.single.get_or_init(make).clone()
    }

    fn count(&self, module: ModuleId, expr: &Expr) -> Told {
        let value = self.evaluate(module, At::Module, |frame, diags| expr.eval(frame, diags));
        let invalid = |detail: String| {
            let error = Diagnostic::error(codes::INVALID_COUNT, "Invalid count argument");
            self.report(error.detail(detail).at(expr.span(), ""));
            Told::Wrong
        };
        if is_ephemeral(&value) {
            return invalid(
                "The given \"count\" is derived from an ephemeral value, which means that it can't be kept from \
                 plan to apply. Use only non-ephemeral values to specify the number of resource instances."
                    .into(),
            );
        }
        if !value.is_known() {
            return self.unknown_repetition(expr, &value, "count");
        }
        let number = match convert(&value.clone().unmarked(), &Type::Number) {
            Ok(number) if number.is_null() => {
                return invalid(
                    "The given \"count\" argument value is null. An integer is required.".into(),
                );
            }
            Ok(number) => number,
            Err(error) => {
                return invalid(format!(
                    "The given \"count\" argument value is unsuitable: {}.",
                    error.message
                ));
            }
        };
        let Some(count) = number.as_number().and_then(terrarium_value::Number::to_i64) else {
            return invalid(
                "The given \"count\" argument value is unsuitable: a whole number is required."
                    .into(),
            );
        };
        match usize::try_from(count) {
            Ok(count) => match self.inputs.environment.limits.check_instances(count) {
                Ok(()) => Told::Are(
                    (0..count as u64).map(|index| (InstanceKey::Int(index), None)).collect(),
                ),
                Err(why) => {
                    invalid(format!("The given \"count\" argument value is unsuitable: {why}."))
                }
            },
            Err(_) => invalid(
                "The given \"count\" argument value is unsuitable: must be greater than or equal to zero.".into(),
            ),
        }
    }

    fn for_each(&self, module: ModuleId, expr: &Expr) -> Told {
        let value = self.evaluate(module, At::Module, |frame, diags| expr.eval(frame, diags));
        let invalid = |detail: &str| {
            let error = Diagnostic::error(codes::INVALID_FOR_EACH, "Invalid for_each argument");
            self.report(error.detail(detail).at(expr.span(), ""));
            Told::Wrong
        };
        if value.marks().contains(Marks::EPHEMERAL) {
            return invalid(
                "The given \"for_each\" value is derived from an ephemeral value, which means that it can't be \
                 kept from plan to apply. Use only non-ephemeral values to specify a resource's instance keys.",
            );
        }
        if value.deep_marks().contains(Marks::SENSITIVE) && value.marks().contains(Marks::SENSITIVE)
        {
            return invalid(
                "Sensitive values, or values derived from sensitive values, cannot be used as for_each \
                 arguments. If used, the sensitive value could be exposed as a resource instance key.",
            );
        }
        let value = value.unmarked();
        match value.kind() {
            Kind::Unknown(unknown) if may_repeat(&unknown.ty) => {
                self.unknown_repetition(expr, &value, "for_each")
            }
            Kind::Null(_) => invalid(
                "The given \"for_each\" argument value is unsuitable: the given \"for_each\" argument value is \
                 null. A map, or set of strings is allowed.",
            ),
            Kind::Map(entries) | Kind::Object(entries) => Told::Are(
                entries
                    .iter()
                    .map(|(key, value)| (InstanceKey::Str(key.clone()), Some(value.clone())))
                    .collect(),
            ),
            Kind::Set(items) => {
                if items.iter().any(|item| !item.is_known()) {
                    return self.unknown_repetition(expr, &value, "for_each");
                }
                let keys: Option<Instances> = items
                    .iter()
                    .map(|item| Some((InstanceKey::Str(item.as_str()?.into()), Some(item.clone()))))
                    .collect();
                keys.map_or_else(
                    || invalid(
                        "The given \"for_each\" argument value is unsuitable: \"for_each\" supports maps and sets \
                         of strings, but you have provided a set containing other values.",
                    ),
                    Told::Are,
                )
            }
            _ => {
                let kind = value.ty().friendly_name();
                invalid(&format!(
                    "The given \"for_each\" argument value is unsuitable: the \"for_each\" argument must be a map, \
                     or set of strings, and you have provided a value of type {kind}.{}",
                    toset(expr, &value)
                ))
            }
        }
    }

    /// Settles a repetition that can't be told yet: it waits, or that is an error; neither where it
    /// is expected.
    fn unknown_repetition(&self, expr: &Expr, value: &Value, argument: &str) -> Told {
        // What waits for no instance is unknown because of a mistake that is reported already.
        let waits = |cause: &Cause| matches!(cause, Cause::Instance { .. });
        let follows_from_mistake = self.has_errors() && !value.causes_deep().iter().any(waits);
        if matches!(self.phase, super::Phase::Validate | super::Phase::Console)
            || follows_from_mistake
        {
            return Told::Wrong;
        }
        if self.defers {
            return Told::Waits(value.causes_deep());
        }
        let (code, summary) = if argument == "count" {
            (codes::INVALID_COUNT, "Invalid count argument")
        } else {
            (codes::INVALID_FOR_EACH, "Invalid for_each argument")
        };
        let waits = crate::words::causes(&value.causes_deep());
        let error = Diagnostic::error(code, summary)
            .detail(format!(
                "The \"{argument}\" value depends on resource attributes that cannot be determined until apply, so \
                 it cannot be predicted how many instances will be created{waits}."
            ))
            .at(expr.span(), "")
            .help("use the -target argument to first apply only the resources that it depends on");
        self.report(error);
        Told::Wrong
    }
}

/// Returns whether some values of a type can be a `for_each`.
fn may_repeat(ty: &Type) -> bool {
    match ty {
        Type::Map(_) | Type::Object(_) | Type::Dynamic => true,
        Type::Set(element) => matches!(**element, Type::String | Type::Dynamic),
        _ => false,
    }
}

/// Refuses a block for the number of its instances.
fn too_many(expr: Option<&Expr>, shape: Shape, why: &str) -> Diagnostic {
    let (code, summary) = match shape {
        Shape::ForEach => (codes::INVALID_FOR_EACH, "Invalid for_each argument"),
        _ => (codes::INVALID_COUNT, "Invalid count argument"),
    };
    let error = Diagnostic::error(code, summary).detail(format!("With this, {why}."));
    match expr {
        Some(expr) => error.at(expr.span(), ""),
        None => error,
    }
}

/// Says how a list of strings becomes a set; nothing for other values.
fn toset(expr: &Expr, value: &Value) -> String {
    let is_list = matches!(value.kind(), Kind::List(_) | Kind::Tuple(_));
    let text = expr.source_text();
    let strings =
        value.as_items().is_some_and(|items| items.iter().all(|item| item.as_str().is_some()));
    match is_list && strings {
        true if text.len() <= 60 && !text.contains('\n') => {
            format!(" Make a set of it: for_each = toset({text}).")
        }
        true => " Make a set of it with toset(…).".to_owned(),
        false => String::new(),
    }
}

/// Lists the keys and values of a known map, object or set of strings, as `for_each` takes them.
pub(crate) fn entries(value: &Value) -> Vec<(InstanceKey, Value)> {
    let key = |text: &str| InstanceKey::Str(text.into());
    match value.kind() {
        Kind::Map(entries) | Kind::Object(entries) => {
            entries.iter().map(|(name, value)| (key(name), value.clone())).collect()
        }
        Kind::Set(items) => {
            items.iter().filter_map(|item| Some((key(item.as_str()?), item.clone()))).collect()
        }
        _ => Vec::new(),
    }
}

/// One instance that stands for all while only the configuration is checked.
fn placeholder(shape: Shape) -> BTreeMap<InstanceKey, Option<Value>> {
    let unknown = || Value::unknown(Type::Dynamic, terrarium_value::Causes::NONE);
    match shape {
        Shape::Single => BTreeMap::from([(InstanceKey::None, None)]),
        Shape::Count => BTreeMap::from([(InstanceKey::Int(0), None)]),
        Shape::ForEach => BTreeMap::from([(PLACEHOLDER, Some(unknown()))]),
    }
}

/// Key of an instance that stands for all: none that a `for_each` can have, so `each.key` is unknown.
pub(super) const PLACEHOLDER: InstanceKey = InstanceKey::None;
