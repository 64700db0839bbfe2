//! The snapshot of a provider's schemas: fetched once, read by everybody who may not wait.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use terrarium_address::{Mode, Name};
use terrarium_value::{Type, Value};

use crate::{Block, Schema};

/// Which schemas are asked for: a provider may have a thousand types, and a configuration names ten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Types {
    /// All that there are.
    All,
    /// Those of these types, as far as the provider has them.
    Named(BTreeSet<(Mode, Name)>),
}

impl Types {
    /// Returns whether a type is among them.
    pub fn contains(&self, mode: Mode, kind: &str) -> bool {
        match self {
            Self::All => true,
            Self::Named(names) => names.contains(&(mode, kind.into())),
        }
    }
}

/// What a provider says of itself before it is configured.
#[derive(Clone, Debug, Default)]
pub struct Schemas {
    /// Of its configuration block.
    pub config: Arc<Schema>,
    /// Of its resource types, as far as they were asked for.
    pub resources: BTreeMap<Name, Arc<Schema>>,
    /// Of its data sources, as far as they were asked for.
    pub data: BTreeMap<Name, Arc<Schema>>,
    /// Of its ephemeral resources.
    pub ephemeral: BTreeMap<Name, Arc<Schema>>,
    /// What identifies an object of a resource type beside its id, where the type has such a thing.
    pub identities: BTreeMap<Name, Block>,
    /// The functions that expressions may call.
    pub functions: BTreeMap<Name, FunctionSignature>,
    /// The names of all resource types, whether or not they were asked for.
    pub resource_names: Vec<Name>,
    /// The names of all data sources.
    pub data_names: Vec<Name>,
    /// Types that another version of the provider had, each with what to do.
    pub retired: BTreeMap<(Mode, Name), String>,
    /// Whether the provider must be asked to check a configuration ([`crate::ProviderKind::validate_many`]).
    pub validates: bool,
}

impl Schemas {
    /// Returns the schema of a resource type or data source.
    pub fn of(&self, mode: Mode, kind: &str) -> Option<&Arc<Schema>> {
        match mode {
            Mode::Managed => self.resources.get(kind),
            Mode::Data => self.data.get(kind),
        }
    }

    /// Answers a call of a function from the snapshot alone, or says that the provider must be asked: then
    /// the engine awaits [`crate::ProviderKind::call`], remembers the answer, and evaluates again.
    pub fn answer(&self, call: FunctionCall) -> FunctionAnswer {
        FunctionAnswer::Needs(call)
    }
}

/// What a function of a provider takes and returns.
#[derive(Clone, Debug, PartialEq)]
pub struct FunctionSignature {
    /// Its parameters: names and types.
    pub parameters: Vec<(Name, Type)>,
    /// What it takes any number of, after its parameters.
    pub variadic: Option<(Name, Type)>,
    /// What it returns.
    pub returns: Type,
    /// What it is for: Markdown.
    pub description: String,
}

/// One call of a function, all arguments known.
#[derive(Clone, Debug, PartialEq)]
pub struct FunctionCall {
    /// The function.
    pub name: Name,
    /// Its arguments.
    pub arguments: Vec<Value>,
}

/// What came of a call of a function.
#[derive(Clone, Debug, PartialEq)]
pub enum FunctionAnswer {
    /// Its value.
    Value(Value),
    /// Only the provider can tell.
    Needs(FunctionCall),
}
