//! Type constraints: `list(object({ name = string, size = optional(number, 4) }))`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hcl_edit::Span as _;
use hcl_edit::expr::{Expression, FuncCall, ObjectKey};
use terrarium_address::Name;
use terrarium_diagnostic::{Diagnostic, Diagnostics};
use terrarium_value::{Entries, Kind, Map, ObjectType, Type, Value, convert};

use super::{Origin, codes};
use crate::config::literal;

/// Default values of the optional attributes within a type.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Defaults(Option<Arc<Level>>);

#[derive(Debug, Default, PartialEq)]
struct Level {
    /// Defaults of this object's attributes.
    values: BTreeMap<Name, Value>,
    /// Those within attributes, tuple elements (by index), or, under the empty name, all elements.
    within: BTreeMap<Name, Defaults>,
}

impl Defaults {
    fn new(level: Level) -> Self {
        Self((!level.values.is_empty() || !level.within.is_empty()).then(|| Arc::new(level)))
    }

    fn of_elements(inner: Self) -> Self {
        Self::of_parts([(Name::from(""), inner)])
    }

    fn of_parts(parts: impl IntoIterator<Item = (Name, Self)>) -> Self {
        let within = parts.into_iter().filter(|(_, inner)| inner.0.is_some()).collect();
        Self::new(Level { values: BTreeMap::new(), within })
    }

    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Returns the value with defaults in place of attributes that are missing or null. Collections come
    /// back as tuples and objects where something may have changed: convert the result to the type.
    #[must_use]
    pub fn apply(&self, value: Value) -> Value {
        let Some(level) = &self.0 else { return value };
        let marks = value.marks();
        let applied = match value.kind() {
            Kind::List(items) | Kind::Set(items) => {
                let inner = level.within.get("");
                Value::tuple(items.iter().map(|item| apply_within(inner, item.clone())))
            }
            Kind::Tuple(items) => Value::tuple(items.iter().enumerate().map(|(at, item)| {
                let inner =
                    level.within.get("").or_else(|| level.within.get(at.to_string().as_str()));
                apply_within(inner, item.clone())
            })),
            Kind::Map(entries) | Kind::Object(entries) => level.apply_to(entries),
            _ => return value,
        };
        applied.marked(marks)
    }
}

impl Level {
    fn apply_to(&self, entries: &Entries) -> Value {
        let inner = |name: &Name| self.within.get("").or_else(|| self.within.get(name));
        let mut applied: Map = entries
            .iter()
            .map(|(name, value)| (name.clone(), apply_within(inner(name), value.clone())))
            .collect();
        for (name, default) in &self.values {
            if applied.get(name).is_none_or(Value::is_null) {
                applied.insert(name.clone(), apply_within(inner(name), default.clone()));
            }
        }
        Value::object(applied)
    }
}

fn apply_within(inner: Option<&Defaults>, value: Value) -> Value {
    match inner {
        Some(defaults) => defaults.apply(value),
        None => value,
    }
}

/// Reads a type constraint. After an error the type is `any`.
pub(crate) fn parse_type(
    expr: &Expression,
    origin: &Origin,
    diags: &mut Diagnostics,
) -> (Type, Defaults) {
    if let Expression::Variable(name) = expr {
        match name.value().as_str() {
            "list" => return (Type::list(Type::Dynamic), Defaults::default()),
            "map" => return (Type::map(Type::Dynamic), Defaults::default()),
            "set" => return (Type::set(Type::Dynamic), Defaults::default()),
            _ => {}
        }
    }
    Parser { origin, diags }.constraint(expr)
}

struct Parser<'a> {
    origin: &'a Origin,
    diags: &'a mut Diagnostics,
}

impl Parser<'_> {
    fn fail(&mut self, at: &impl hcl_edit::Span, detail: impl Into<String>) -> (Type, Defaults) {
        let span = self.origin.span(at.span());
        self.diags.push(
            Diagnostic::error(codes::TYPE, "Invalid type specification")
                .detail(detail)
                .at(span, ""),
        );
        (Type::Dynamic, Defaults::default())
    }

    fn constraint(&mut self, expr: &Expression) -> (Type, Defaults) {
        match expr {
            Expression::Parenthesis(inner) => self.constraint(inner.inner()),
            Expression::Variable(name) => self.keyword(expr, name.value().as_str()),
            Expression::FuncCall(call) => self.constructor(expr, call),
            _ => self.fail(
                expr,
                "A type specification is either a primitive type keyword (bool, number, string), a complex type \
                 constructor call, like list(string), or any.",
            ),
        }
    }

    fn keyword(&mut self, expr: &Expression, name: &str) -> (Type, Defaults) {
        let ty = match name {
            "bool" => Type::Bool,
            "string" => Type::String,
            "number" => Type::Number,
            "any" => Type::Dynamic,
            "list" | "set" | "map" => {
                let detail = format!(
                    "The {name} type constructor requires one argument specifying the element type."
                );
                return self.fail(expr, detail);
            }
            "object" => {
                return self.fail(
                    expr,
                    "The object type constructor requires one argument specifying the attribute types and values as a map.",
                );
            }
            "tuple" => {
                return self.fail(
                    expr,
                    "The tuple type constructor requires one argument specifying the element types as a list.",
                );
            }
            _ => {
                return self.fail(
                    expr,
                    format!("The keyword {name:?} is not a valid type specification."),
                );
            }
        };
        (ty, Defaults::default())
    }

    fn constructor(&mut self, expr: &Expression, call: &FuncCall) -> (Type, Defaults) {
        let name = call.name.name.value().as_str();
        let args: Vec<&Expression> = call.args.iter().collect();
        match (name, args.as_slice()) {
            ("bool" | "string" | "number" | "any", _) => self
                .fail(expr, format!("Primitive type keyword {name:?} does not expect arguments.")),
            ("optional", _) => self.fail(
                expr,
                "Keyword \"optional\" is valid only as a modifier for object type attributes.",
            ),
            ("list", [element]) => self.collection(element, Type::list),
            ("set", [element]) => self.collection(element, Type::set),
            ("map", [element]) => self.collection(element, Type::map),
            ("object", [Expression::Object(object)]) => self.object(object),
            ("tuple", [Expression::Array(array)]) => {
                let parts: Vec<(Type, Defaults)> =
                    array.iter().map(|element| self.constraint(element)).collect();
                let (types, defaults): (Vec<Type>, Vec<Defaults>) = parts.into_iter().unzip();
                let defaults = defaults
                    .into_iter()
                    .enumerate()
                    .map(|(at, inner)| (at.to_string().into(), inner));
                (Type::tuple(types), Defaults::of_parts(defaults))
            }
            ("list" | "set" | "map" | "object" | "tuple", _) => self.keyword(expr, name),
            _ => self.fail(expr, format!("Keyword {name:?} is not a valid type constructor.")),
        }
    }

    fn collection(&mut self, element: &Expression, build: fn(Type) -> Type) -> (Type, Defaults) {
        let (ty, inner) = self.constraint(element);
        (build(ty), Defaults::of_elements(inner))
    }

    fn object(&mut self, object: &hcl_edit::expr::Object) -> (Type, Defaults) {
        let (mut attributes, mut optional) = (BTreeMap::new(), BTreeSet::new());
        let mut level = Level::default();
        for (key, value) in object {
            let name: Name = match key {
                ObjectKey::Ident(name) => name.value().as_str().into(),
                ObjectKey::Expression(Expression::String(text)) => text.value().as_str().into(),
                ObjectKey::Expression(other) => {
                    self.fail(other, "Object constructor map keys must be attribute names.");
                    continue;
                }
            };
            let (attribute, inner, default) = match value.expr() {
                Expression::FuncCall(call) if call.name.name.value().as_str() == "optional" => {
                    optional.insert(name.clone());
                    self.optional(value.expr(), call)
                }
                other => {
                    let (attribute, inner) = self.constraint(other);
                    (attribute, inner, None)
                }
            };
            if let Some(default) = default {
                level.values.insert(name.clone(), default);
            }
            if !inner.is_empty() {
                level.within.insert(name.clone(), inner);
            }
            attributes.insert(name, attribute);
        }
        let ty = ObjectType { attributes: attributes.into(), optional };
        (Type::Object(Arc::new(ty)), Defaults::new(level))
    }

    fn optional(&mut self, expr: &Expression, call: &FuncCall) -> (Type, Defaults, Option<Value>) {
        let mut args = call.args.iter();
        let Some(constraint) = args.next() else {
            let detail = "Optional attribute modifier requires the attribute type as its argument.";
            let (ty, inner) = self.fail(expr, detail);
            return (ty, inner, None);
        };
        let (ty, inner) = self.constraint(constraint);
        let default = args.next().and_then(|default| {
            let value = literal::value(default, self.origin, self.diags)?;
            let value = if value.is_null() { value } else { inner.apply(value) };
            match convert(&value, &ty) {
                Ok(value) => Some(value),
                Err(error) => {
                    let detail = format!(
                        "This default value is not compatible with the attribute's type constraint: {}.",
                        error.message
                    );
                    let span = self.origin.span(default.span());
                    let summary = "Invalid default value for optional attribute";
                    self.diags.push(Diagnostic::error(codes::TYPE, summary).detail(detail).at(span, ""));
                    None
                }
            }
        });
        if let Some(extra) = args.next() {
            self.fail(extra, "Optional attribute modifier expects at most two arguments: the attribute type, and a default value.");
        }
        (ty, inner, default.filter(|value| !value.is_null()))
    }
}
