//! The values of a resource block within one module instance.

use std::collections::BTreeMap;

use terrarium_address::InstanceKey;
use terrarium_value::{Map, Value};

use super::Shape;

/// Instances of one block, with the value of the whole remembered.
#[derive(Clone, Debug, Default)]
pub(crate) struct BlockValues {
    instances: Instances,
    whole: Option<Value>,
    /// Whether all instances are in; until then the whole is not remembered.
    pub(crate) complete: bool,
}

/// Values by key. Most blocks have one instance, and a tree of one costs as much as a tree of eleven.
#[derive(Clone, Debug, Default)]
enum Instances {
    #[default]
    None,
    One(InstanceKey, Value),
    Many(BTreeMap<InstanceKey, Value>),
}

impl Instances {
    fn insert(&mut self, key: InstanceKey, value: Value) {
        match self {
            Self::None => *self = Self::One(key, value),
            Self::One(known, old) if *known == key => *old = value,
            Self::Many(all) => drop(all.insert(key, value)),
            Self::One(..) => {
                if let Self::One(known, old) = std::mem::take(self) {
                    *self = Self::Many(BTreeMap::from([(known, old), (key, value)]));
                }
            }
        }
    }

    fn remove(&mut self, key: &InstanceKey) {
        match self {
            Self::One(known, _) if known == key => *self = Self::None,
            Self::Many(all) => drop(all.remove(key)),
            Self::None | Self::One(..) => {}
        }
    }

    fn get(&self, key: &InstanceKey) -> Option<&Value> {
        match self {
            Self::One(known, value) => (known == key).then_some(value),
            Self::Many(all) => all.get(key),
            Self::None => None,
        }
    }

    fn collect(&self, shape: Shape) -> Value {
        match self {
            Self::None => collect(shape, std::iter::empty()),
            Self::One(key, value) => collect(shape, std::iter::once((key, value.clone()))),
            Self::Many(all) => collect(shape, all.iter().map(|(key, value)| (key, value.clone()))),
        }
    }
}

impl BlockValues {
    /// Sets or removes an instance.
    pub(crate) fn set(&mut self, key: InstanceKey, value: Option<Value>) {
        self.whole = None;
        match value {
            Some(value) => self.instances.insert(key, value),
            None => self.instances.remove(&key),
        }
    }

    /// Lists the instances, in the order of their keys.
    pub(crate) fn instances(&self) -> impl Iterator<Item = (&InstanceKey, &Value)> {
        let one = match &self.instances {
            Instances::One(key, value) => Some((key, value)),
            _ => None,
        };
        let many = match &self.instances {
            Instances::Many(all) => Some(all),
            _ => None,
        };
        one.into_iter().chain(many.into_iter().flatten())
    }

    /// Returns one instance.
    pub(crate) fn get(&self, key: &InstanceKey) -> Option<&Value> {
        self.instances.get(key)
    }

    /// Returns the value of the whole block: what an expression without a key sees.
    pub(crate) fn whole(&mut self, shape: Shape) -> Value {
        if let Some(whole) = &self.whole {
            return whole.clone();
        }
        let whole = self.instances.collect(shape);
        self.whole = Some(whole.clone());
        whole
    }
}

/// Builds the value of all instances of a resource or module call.
pub(super) fn collect<'k>(
    shape: Shape,
    instances: impl Iterator<Item = (&'k InstanceKey, Value)>,
) -> Value {
    match shape {
        Shape::Single => {
            let mut instances = instances;
            instances
                .next()
                .map_or_else(|| Value::null(terrarium_value::Type::Dynamic), |(_, value)| value)
        }
        Shape::Count => Value::tuple(instances.map(|(_, value)| value)),
        Shape::ForEach => Value::object(
            instances
                .filter_map(|(key, value)| match key {
                    InstanceKey::Str(key) => Some((key.clone(), value)),
                    InstanceKey::None | InstanceKey::Int(_) => None,
                })
                .collect::<Map>(),
        ),
    }
}
