//! Decoding: a body and a schema to a value of the schema's type.

use terrarium_address::Name;
use terrarium_diagnostic::{Diagnostic, Diagnostics, Span};
use terrarium_provider::{Attribute, Block, NestedBlock, Nesting, Presence};
use terrarium_value::{Causes, Entries, Kind, Map, Marks, Type, Value, convert};

use super::{Argument, Body, Dynamic, Nested};
use crate::codes;
use crate::config::reason;
use crate::expr::Frame;
use crate::unexpected::{unsupported_argument, unsupported_block};

impl Body {
    /// Returns the value of the body, an object of the type `schema.ty()`.
    ///
    /// What is wrong goes to `diags`; the value then has an unknown or null in that place.
    pub fn decode(&self, schema: &Block, frame: &Frame<'_>, diags: &mut Diagnostics) -> Value {
        self.refuse_unknown_names(schema, diags);
        let mut object = Map::new();
        for (name, attribute) in &schema.attributes {
            let value = match self.0.arguments.get(name) {
                Some(argument) => argument_value((name, attribute), argument, frame, diags),
                None if self.has_blocks(name) && element_schema(&attribute.ty).is_some() => {
                    self.attribute_as_blocks(name, attribute, frame, diags)
                }
                None => {
                    if attribute.presence == Presence::Required {
                        diags.push(missing_argument(name, self.0.place.header));
                    }
                    Value::null(attribute.ty.without_optional())
                }
            };
            object.insert(name.clone(), value);
        }
        for (name, nested) in &schema.blocks {
            object.insert(name.clone(), self.nested_blocks(name, nested, frame, diags));
        }
        Value::object(object)
    }

    fn has_blocks(&self, kind: &Name) -> bool {
        self.0.blocks.iter().any(|block| block.kind == *kind)
    }

    fn refuse_unknown_names(&self, schema: &Block, diags: &mut Diagnostics) {
        let names = || {
            let attributes: Vec<&str> = schema
                .attributes
                .iter()
                .filter(|(_, attribute)| attribute.presence.is_settable())
                .map(|(name, _)| &**name)
                .collect();
            let blocks: Vec<&str> = schema.blocks.keys().map(|name| &**name).collect();
            (attributes, blocks)
        };
        for (name, argument) in &self.0.arguments {
            let as_blocks = self.0.place.json && schema.blocks.contains_key(name);
            if !schema.attributes.contains_key(name) && !as_blocks {
                let (attributes, blocks) = names();
                let problem = unsupported_argument(name, argument.name_span, &attributes, &blocks);
                diags.push(helped(problem, schema, name));
            }
        }
        for block in &self.0.blocks {
            let as_attribute = || {
                schema
                    .attributes
                    .get(&block.kind)
                    .is_some_and(|it| element_schema(&it.ty).is_some())
            };
            if !schema.blocks.contains_key(&block.kind) && !as_attribute() {
                let (attributes, blocks) = names();
                let problem = unsupported_block(&block.kind, block.header, &blocks, &attributes);
                diags.push(helped(problem, schema, &block.kind));
            }
        }
    }

    /// Blocks written for an attribute that is a list or set of objects.
    fn attribute_as_blocks(
        &self,
        name: &Name,
        attribute: &Attribute,
        frame: &Frame<'_>,
        diags: &mut Diagnostics,
    ) -> Value {
        let block = element_schema(&attribute.ty).unwrap_or_default();
        let nesting =
            if matches!(attribute.ty, Type::Set(_)) { Nesting::Set } else { Nesting::List };
        let nested = NestedBlock { nesting, block, min_items: 0, max_items: None };
        self.nested_blocks(name, &nested, frame, diags)
    }

    fn nested_blocks(
        &self,
        name: &Name,
        schema: &NestedBlock,
        frame: &Frame<'_>,
        diags: &mut Diagnostics,
    ) -> Value {
        let mut found = Found::default();
        if let Some(argument) = self.0.arguments.get(name).filter(|_| self.0.place.json) {
            let value = argument.value.eval(frame, diags);
            from_value(&value, schema, argument.name_span, (&mut found, diags));
        }
        for block in self.0.blocks.iter().filter(|block| block.kind == *name) {
            match &block.dynamic {
                None => {
                    let value = block.body.decode(&schema.block, frame, diags);
                    let label = block.labels.first().map(|(label, _)| label.clone());
                    found.items.push(Item { label, value, header: block.header });
                    check_labels(block, schema, diags);
                }
                Some(dynamic) => generate(block, dynamic, schema, (frame, &mut found), diags),
            }
        }
        if found.unknown {
            return Value::unknown(schema.ty(), found.causes).marked(found.marks);
        }
        self.check_count(name, schema, &found, diags);
        let marks = found.marks;
        assemble(name, schema, found, diags).marked(marks)
    }

    fn check_count(
        &self,
        name: &Name,
        schema: &NestedBlock,
        found: &Found,
        diags: &mut Diagnostics,
    ) {
        let count = found.items.len() as u64;
        let single = matches!(schema.nesting, Nesting::Single | Nesting::Group);
        let most = if single { Some(1) } else { schema.max_items };
        let problem = |summary: String, detail: String, at: Span| {
            Diagnostic::error(codes::BLOCK_COUNT, summary).detail(detail).at(at, "")
        };
        if count < schema.min_items {
            let (summary, detail) = if single {
                (format!("Missing {name} block"), format!("A {name} block is required."))
            } else {
                let least = schema.min_items;
                (
                    format!("Insufficient {name} blocks"),
                    format!("At least {least} \"{name}\" blocks are required."),
                )
            };
            diags.push(problem(summary, detail, self.0.place.header));
        }
        let Some(most) = most.filter(|most| count > *most) else { return };
        let at = found
            .items
            .get(usize::try_from(most).unwrap_or(usize::MAX))
            .map_or(self.0.place.header, |item| item.header);
        if single {
            let detail = format!("Only one {name} block is allowed.");
            diags.push(problem(format!("Duplicate {name} block"), detail, at));
        } else {
            let detail = format!("No more than {most} \"{name}\" blocks are allowed.");
            diags.push(problem(format!("Too many {name} blocks"), detail, at));
        }
    }
}

/// The blocks of one type, evaluated.
#[derive(Default)]
struct Found {
    items: Vec<Item>,
    /// How many there are is not known yet.
    unknown: bool,
    causes: Causes,
    marks: Marks,
}

struct Item {
    label: Option<Name>,
    value: Value,
    header: Span,
}

/// Evaluates an argument and converts it to the type of its attribute.
fn argument_value(
    (name, attribute): (&Name, &Attribute),
    argument: &Argument,
    frame: &Frame<'_>,
    diags: &mut Diagnostics,
) -> Value {
    if !attribute.presence.is_settable() {
        let detail = format!(
            "Can't configure a value for \"{name}\": its value will be decided automatically based on the result \
             of applying this configuration."
        );
        diags.push(
            Diagnostic::error(codes::UNSUPPORTED, "Value for unconfigurable attribute")
                .detail(detail)
                .at(argument.name_span, ""),
        );
        return Value::null(attribute.ty.without_optional());
    }
    let value = argument.value.eval(frame, diags);
    match convert(&value, &attribute.ty) {
        Ok(value) => {
            if value.is_null() && attribute.presence == Presence::Required {
                diags.push(missing_argument(name, argument.name_span));
            }
            value
        }
        Err(error) => {
            diags.push(wrong_type(name, &reason(&error), argument.value.span()));
            Value::unknown(attribute.ty.clone(), Causes::NONE)
        }
    }
}

fn wrong_type(name: &str, why: &str, at: Span) -> Diagnostic {
    Diagnostic::error(codes::WRONG_TYPE, "Incorrect attribute value type")
        .detail(format!("Inappropriate value for attribute \"{name}\": {why}."))
        .at(at, "")
}

fn missing_argument(name: &str, at: Span) -> Diagnostic {
    Diagnostic::error(codes::MISSING, "Missing required argument")
        .detail(format!("The argument \"{name}\" is required, but no definition was found."))
        .at(at, format!("`{name}` is missing"))
}

/// Returns the schema of blocks that stand for the elements of a list or set of objects.
fn element_schema(ty: &Type) -> Option<Block> {
    let (Type::List(element) | Type::Set(element)) = ty else { return None };
    let Type::Object(object) = &**element else { return None };
    let attributes =
        object.attributes.iter().map(|(name, ty)| (name.clone(), Attribute::optional(ty.clone())));
    Some(Block { attributes: attributes.collect(), ..Block::default() })
}

fn check_labels(block: &Nested, schema: &NestedBlock, diags: &mut Diagnostics) {
    let wanted = usize::from(schema.nesting == Nesting::Map);
    let kind = &block.kind;
    if let Some((_, span)) = block.labels.get(wanted) {
        let detail = format!("No labels are expected for {kind} blocks.");
        diags.push(
            Diagnostic::error(codes::SYNTAX, format!("Extraneous label for {kind}"))
                .detail(detail)
                .at(*span, ""),
        );
    } else if block.labels.len() < wanted {
        let detail = format!("All {kind} blocks must have 1 labels (key).");
        diags.push(
            Diagnostic::error(codes::SYNTAX, format!("Missing key for {kind}"))
                .detail(detail)
                .at(block.header, ""),
        );
    }
}

/// Takes blocks from a value: in JSON, only the schema says that a property is one or several blocks.
fn from_value(
    value: &Value,
    schema: &NestedBlock,
    at: Span,
    (found, diags): (&mut Found, &mut Diagnostics),
) {
    match value.kind() {
        Kind::Null(_) => {}
        Kind::Unknown(unknown) => {
            found.unknown = true;
            found.causes = Causes::union([&found.causes, &unknown.causes]);
        }
        Kind::List(items) | Kind::Tuple(items) => {
            for item in items {
                from_value(item, schema, at, (&mut *found, &mut *diags));
            }
        }
        Kind::Map(entries) | Kind::Object(entries) if schema.nesting == Nesting::Map => {
            for (label, item) in entries {
                let value = block_value(item, &schema.block, at, diags);
                found.items.push(Item { label: Some(label.clone()), value, header: at });
            }
        }
        _ => {
            let value = block_value(value, &schema.block, at, diags);
            found.items.push(Item { label: None, value, header: at });
        }
    }
}

/// Returns the value of a block that is given as an object.
fn block_value(value: &Value, schema: &Block, at: Span, diags: &mut Diagnostics) -> Value {
    let none = Entries::default();
    let given = value.as_entries().unwrap_or(&none);
    let mut object = Map::new();
    for (name, attribute) in &schema.attributes {
        let part = given.get(name).cloned().unwrap_or_else(|| Value::null(Type::Dynamic));
        if part.is_null() && attribute.presence == Presence::Required {
            diags.push(missing_argument(name, at));
        }
        let part = convert(&part, &attribute.ty).unwrap_or_else(|error| {
            diags.push(wrong_type(name, &reason(&error), at));
            Value::unknown(attribute.ty.clone(), Causes::NONE)
        });
        object.insert(name.clone(), part);
    }
    for (name, nested) in &schema.blocks {
        let mut found = Found::default();
        if let Some(part) = given.get(name) {
            from_value(part, nested, at, (&mut found, &mut *diags));
        }
        object.insert(name.clone(), assemble(name, nested, found, diags));
    }
    for name in given.keys().filter(|name| !object.contains_key(*name)) {
        let names: Vec<&str> = object.keys().map(|name| &**name).collect();
        diags.push(unsupported_argument(name, at, &names, &[]));
    }
    Value::object(object)
}

/// Decodes the content of a `dynamic` block once per element.
fn generate(
    block: &Nested,
    dynamic: &Dynamic,
    schema: &NestedBlock,
    (frame, found): (&Frame<'_>, &mut Found),
    diags: &mut Diagnostics,
) {
    let collection = dynamic.for_each.eval(frame, diags);
    found.marks = found.marks | collection.marks();
    let elements = match pairs(&collection) {
        Ok(Some(elements)) => elements,
        Ok(None) => {
            found.unknown = true;
            if let Kind::Unknown(unknown) = collection.kind() {
                found.causes = Causes::union([&found.causes, &unknown.causes]);
            }
            return;
        }
        Err(detail) => {
            diags.push(
                Diagnostic::error(codes::DYNAMIC, "Invalid dynamic for_each value")
                    .detail(detail)
                    .at(dynamic.for_each.span(), ""),
            );
            found.unknown = true;
            return;
        }
    };
    for (key, value) in elements {
        let binding =
            frame.bind(&dynamic.iterator, Value::object_of([("key", key), ("value", value)]));
        let inner = frame.with(&binding);
        let label = dynamic
            .labels
            .first()
            .and_then(|label| label_text(&label.eval(&inner, diags), label.span(), diags));
        let value = block.body.decode(&schema.block, &inner, diags);
        found.items.push(Item { label, value, header: block.header });
    }
}

fn label_text(value: &Value, at: Span, diags: &mut Diagnostics) -> Option<Name> {
    let text = convert(value, &Type::String).ok().and_then(|text| text.as_str().map(Name::from));
    if text.is_none() {
        let detail = "A label must be a known string, not null.";
        diags.push(
            Diagnostic::error(codes::DYNAMIC, "Invalid dynamic block label")
                .detail(detail)
                .at(at, ""),
        );
    }
    text
}

/// Returns keys and values of what `for_each` iterates over; `None` where it is not known yet.
fn pairs(collection: &Value) -> Result<Option<Vec<(Value, Value)>>, String> {
    let marks = collection.marks();
    let marked = |value: &Value| value.clone().marked(marks);
    Ok(match collection.kind() {
        Kind::Unknown(_) => None,
        Kind::Null(_) => return Err("Cannot use a null value in for_each.".to_owned()),
        Kind::List(items) | Kind::Tuple(items) => Some(
            items.iter().enumerate().map(|(at, item)| (Value::number(at), marked(item))).collect(),
        ),
        Kind::Set(items) => Some(items.iter().map(|item| (marked(item), marked(item))).collect()),
        Kind::Map(entries) | Kind::Object(entries) => Some(
            entries.iter().map(|(key, item)| (Value::string(key.clone()), marked(item))).collect(),
        ),
        Kind::Bool(_) | Kind::Number(_) | Kind::String(_) => {
            let kind = collection.ty().friendly_name();
            return Err(format!(
                "Cannot use a {kind} value in for_each. An iterable collection is required."
            ));
        }
    })
}

/// Puts the blocks of one type together as their nesting says.
fn assemble(name: &Name, schema: &NestedBlock, found: Found, diags: &mut Diagnostics) -> Value {
    let mut items = found.items;
    match schema.nesting {
        Nesting::Single => match items.into_iter().next() {
            Some(item) => item.value,
            None => Value::null(schema.ty()),
        },
        Nesting::Group => match items.into_iter().next() {
            Some(item) => item.value,
            None => nothing(&schema.block),
        },
        Nesting::List => match schema.ty() {
            Type::List(element) => {
                Value::list((*element).clone(), items.into_iter().map(|item| item.value).collect())
            }
            _ => Value::tuple(items.into_iter().map(|item| item.value)),
        },
        Nesting::Set => {
            Value::set(schema.block.ty(), items.into_iter().map(|item| item.value).collect())
        }
        Nesting::Map => {
            let mut entries = Map::new();
            for item in items.drain(..) {
                let label = item.label.unwrap_or_default();
                if entries.insert(label.clone(), item.value).is_some() {
                    let detail =
                        format!("A {name} block with the key \"{label}\" was already given.");
                    diags.push(
                        Diagnostic::error(codes::DUPLICATE, format!("Duplicate {name} block"))
                            .detail(detail)
                            .at(item.header, ""),
                    );
                }
            }
            match schema.ty() {
                Type::Map(element) => Value::map((*element).clone(), entries),
                _ => Value::object(entries),
            }
        }
    }
}

/// Returns the value of a block in which nothing is set.
fn nothing(schema: &Block) -> Value {
    let attributes = schema
        .attributes
        .iter()
        .map(|(name, it)| (name.clone(), Value::null(it.ty.without_optional())));
    let blocks = schema.blocks.iter().map(|(name, nested)| {
        let empty = assemble(name, nested, Found::default(), &mut Diagnostics::new());
        (name.clone(), empty)
    });
    Value::object(attributes.chain(blocks).collect::<Entries>())
}

/// Adds what to use instead, where the name is one that another version of the provider has.
fn helped(problem: Diagnostic, schema: &Block, name: &Name) -> Diagnostic {
    match schema.retired.get(name) {
        Some(instead) => problem.help(format!(
            "the version of the provider that is selected has no {name} any more: {instead}"
        )),
        None => problem,
    }
}
