//! The proposed values: prior values merged with the configuration by the schema's rules.

use terrarium_address::Name;
use terrarium_provider::{Block, NestedBlock, Nesting, Presence};
use terrarium_value::{Causes, Kind, Map, Type, Value};

/// Returns a value of a block in which nothing is set.
pub(crate) fn empty(block: &Block) -> Value {
    let attributes =
        block.attributes.iter().map(|(name, a)| (name.clone(), Value::null(a.ty.clone())));
    let blocks = block.blocks.iter().map(|(name, nested)| (name.clone(), empty_blocks(nested)));
    Value::object(attributes.chain(blocks).collect::<Map>())
}

fn empty_blocks(nested: &NestedBlock) -> Value {
    let element = nested.block.ty();
    match nested.nesting {
        Nesting::Single => Value::null(element),
        Nesting::Group => empty(&nested.block),
        Nesting::List if element.has_dynamic() => Value::tuple([]),
        Nesting::List => Value::list(element, Vec::new()),
        Nesting::Set => Value::set(element, Vec::new()),
        Nesting::Map => Value::map(element, Map::new()),
    }
}

/// Merges: what the configuration sets wins, what only the provider sets is kept, and what both may set
/// is kept where the configuration says nothing. With no prior values, what the provider sets is
/// unknown, caused by `causes`.
pub(crate) fn merge(
    block: &Block,
    prior: Option<&Value>,
    config: &Value,
    causes: &Causes,
) -> Value {
    merge_sharing(block, prior, config, &mut Open::of(causes))
}

/// Unknown values of one instance: those of one type are one value. Servers have forty of them, and there may be fifty
/// thousand servers.
struct Open<'c> {
    causes: &'c Causes,
    made: Vec<(Type, Value)>,
}

impl<'c> Open<'c> {
    fn of(causes: &'c Causes) -> Self {
        Self { causes, made: Vec::new() }
    }

    fn value(&mut self, ty: &Type) -> Value {
        if let Some((_, value)) = self.made.iter().find(|(made, _)| made == ty) {
            return value.clone();
        }
        let value = Value::unknown(ty.clone(), self.causes.clone());
        self.made.push((ty.clone(), value.clone()));
        value
    }
}

fn merge_sharing(
    block: &Block,
    prior: Option<&Value>,
    config: &Value,
    open: &mut Open<'_>,
) -> Value {
    let Kind::Object(given) = config.kind() else { return config.clone() };
    let prior = prior.filter(|prior| prior.is_known() && !prior.is_null());
    let mut merged = Map::new();
    for (name, attribute) in &block.attributes {
        let configured = given.get(name);
        let unset = configured.is_none_or(Value::is_null);
        let value = match (attribute.presence, unset) {
            (Presence::Computed, _) | (Presence::OptionalComputed, true) => match prior {
                None => open.value(&attribute.ty),
                Some(prior) => {
                    prior.get(name).cloned().unwrap_or_else(|| Value::null(attribute.ty.clone()))
                }
            },
            _ => configured.cloned().unwrap_or_else(|| Value::null(attribute.ty.clone())),
        };
        merged.insert(name.clone(), value);
    }
    for (name, nested) in &block.blocks {
        let configured = given.get(name).cloned().unwrap_or_else(|| empty_blocks(nested));
        let before = prior.and_then(|prior| prior.get(name));
        merged.insert(name.clone(), merge_blocks(nested, before, &configured, open));
    }
    Value::object(merged).marked(config.marks())
}

fn merge_blocks(
    nested: &NestedBlock,
    prior: Option<&Value>,
    config: &Value,
    open: &mut Open<'_>,
) -> Value {
    let block = &nested.block;
    let mut pair =
        |prior: Option<&Value>, config: &Value| merge_sharing(block, prior, config, open);
    let merged = match config.kind() {
        Kind::Object(_) if matches!(nested.nesting, Nesting::Single | Nesting::Group) => {
            pair(prior, config)
        }
        Kind::List(items) | Kind::Tuple(items) => {
            let before = prior.and_then(Value::as_items).unwrap_or_default();
            let merged: Vec<Value> =
                items.iter().enumerate().map(|(at, item)| pair(before.get(at), item)).collect();
            match config.kind() {
                Kind::List(_) => Value::list(block.ty(), merged),
                _ => Value::tuple(merged),
            }
        }
        Kind::Set(items) => {
            let before = prior.and_then(Value::as_items).unwrap_or_default();
            let merged = items.iter().map(|item| pair(twin(block, before, item), item)).collect();
            Value::set(block.ty(), merged)
        }
        Kind::Map(entries) | Kind::Object(entries) => {
            let merged: Map = entries
                .iter()
                .map(|(key, item)| {
                    (key.clone(), pair(prior.and_then(|prior| prior.get(key)), item))
                })
                .collect();
            match config.kind() {
                Kind::Map(_) => Value::map(block.ty(), merged),
                _ => Value::object(merged),
            }
        }
        _ => config.clone(),
    };
    merged.marked(config.marks())
}

/// Finds the prior element of a set that a configured one continues: all that is configured is equal.
fn twin<'v>(block: &Block, before: &'v [Value], config: &Value) -> Option<&'v Value> {
    before.iter().find(|prior| continues(block, prior, config))
}

fn continues(block: &Block, prior: &Value, config: &Value) -> bool {
    let same = |name: &Name| match (prior.get(name), config.get(name)) {
        (Some(prior), Some(config)) => prior.same(config),
        (prior, config) => prior.is_none() && config.is_none(),
    };
    let attributes = block.attributes.iter().all(|(name, attribute)| {
        let left_open =
            config.get(name).is_none_or(Value::is_null) && attribute.presence.is_computed();
        left_open || same(name)
    });
    attributes && block.blocks.keys().all(same)
}
