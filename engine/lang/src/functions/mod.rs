//! The functions of the language: a row each, by family.
//!
//! A row says what a function takes and gives; arity, conversion, nulls, unknowns and marks are handled
//! once, in `expr::eval`, around the body. A body sees known values without marks unless its row says
//! otherwise. Names, parameters and semantics are those of Terraform 1.11.

#![expect(
    clippy::unnecessary_wraps,
    reason = "all bodies have one form, those that can't fail too"
)]

mod args;
mod collection;
mod conversion;
mod encoding;
mod file;
mod format;
mod hash;
mod network;
mod number;
mod provider;
mod regex;
mod sequence;
mod set;
mod string;
mod template;
mod time;
mod yaml;

use std::collections::HashMap;
use std::sync::LazyLock;

use terrarium_value::{Type, Value};

pub(crate) use args::Args;

/// A function.
#[derive(Debug)]
pub struct Function {
    /// Its name.
    pub name: &'static str,
    /// The parameters that must be given.
    pub params: &'static [Param],
    /// What any number of further arguments are.
    pub variadic: Option<Param>,
    /// What it does, in a sentence; parameters in backticks.
    pub doc: &'static str,
    pub(crate) returns: Returns,
    pub(crate) body: Body,
}

/// A parameter.
#[derive(Clone, Copy, Debug)]
pub struct Param {
    /// Its name, as messages give it.
    pub name: &'static str,
    pub(crate) want: Want,
    pub(crate) traits: Traits,
}

/// What a parameter accepts beyond known, unmarked, non-null values.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent switches of a table row")]
pub(crate) struct Traits {
    /// May be null.
    pub(crate) null: bool,
    /// May be unknown: the body sees it.
    pub(crate) unknown: bool,
    /// An unknown part makes the result unknown, as if the whole were.
    pub(crate) deep: bool,
    /// May be of an unknown type and still give the row's result type.
    pub(crate) dynamic: bool,
    /// The body sees marks and deals with them.
    pub(crate) marked: bool,
    /// Parts keep their marks; only the argument's own go to the result.
    pub(crate) shallow: bool,
}

/// The type that an argument is converted to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Want {
    Any,
    Bool,
    Number,
    String,
    Strings,
    List,
    Set,
    Map,
}

impl Want {
    pub(crate) fn ty(self) -> Type {
        match self {
            Self::Any => Type::Dynamic,
            Self::Bool => Type::Bool,
            Self::Number => Type::Number,
            Self::String => Type::String,
            Self::Strings => Type::list(Type::String),
            Self::List => Type::list(Type::Dynamic),
            Self::Set => Type::set(Type::Dynamic),
            Self::Map => Type::map(Type::Dynamic),
        }
    }
}

/// The type of a result, needed where the arguments are unknown.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Returns {
    Fixed(Want),
    /// Computed from the arguments, some of them unknown.
    Of(fn(&[Value]) -> Result<Type, Refusal>),
}

/// What a function does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Body {
    Plain(fn(&Args<'_>) -> Result<Value, Refusal>),
    /// The first argument that has a value.
    Try,
    /// Whether the argument has a value.
    Can,
    /// The argument's type, which only the console can show.
    Type,
}

/// Why a function has no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The argument with this index is to blame.
    Argument(usize, String),
    /// The call as a whole.
    Call(String),
}

impl Refusal {
    pub(crate) fn call(why: impl Into<String>) -> Self {
        Self::Call(why.into())
    }

    pub(crate) fn argument(at: usize, why: impl Into<String>) -> Self {
        Self::Argument(at, why.into())
    }
}

const BOOL: Returns = Returns::Fixed(Want::Bool);
const NUMBER: Returns = Returns::Fixed(Want::Number);
const STRING: Returns = Returns::Fixed(Want::String);
const STRINGS: Returns = Returns::Fixed(Want::Strings);
const ANY: Returns = Returns::Fixed(Want::Any);

const fn param(name: &'static str, want: Want) -> Param {
    let traits = Traits {
        null: false,
        unknown: false,
        deep: false,
        dynamic: false,
        marked: false,
        shallow: false,
    };
    Param { name, want, traits }
}

const fn string(name: &'static str) -> Param {
    param(name, Want::String)
}

const fn number(name: &'static str) -> Param {
    param(name, Want::Number)
}

const fn any(name: &'static str) -> Param {
    param(name, Want::Any)
}

impl Param {
    const fn nullable(mut self) -> Self {
        self.traits.null = true;
        self
    }

    const fn unknown(mut self) -> Self {
        self.traits.unknown = true;
        self.traits.dynamic = true;
        self
    }

    const fn deep(mut self) -> Self {
        self.traits.deep = true;
        self
    }

    const fn dynamic(mut self) -> Self {
        self.traits.dynamic = true;
        self
    }

    const fn shallow(mut self) -> Self {
        self.traits.shallow = true;
        self
    }

    const fn marked(mut self) -> Self {
        self.traits.marked = true;
        self
    }
}

const fn function(
    name: &'static str,
    params: &'static [Param],
    returns: Returns,
    body: fn(&Args<'_>) -> Result<Value, Refusal>,
    doc: &'static str,
) -> Function {
    Function { name, params, variadic: None, doc, returns, body: Body::Plain(body) }
}

impl Function {
    const fn variadic(mut self, param: Param) -> Self {
        self.variadic = Some(param);
        self
    }

    /// Returns the parameter that takes the argument with this index.
    pub(crate) fn param(&self, at: usize) -> Option<&Param> {
        self.params.get(at).or(self.variadic.as_ref())
    }
}

const FAMILIES: &[&[Function]] = &[
    collection::FUNCTIONS,
    conversion::FUNCTIONS,
    encoding::FUNCTIONS,
    file::FUNCTIONS,
    format::FUNCTIONS,
    hash::FUNCTIONS,
    network::FUNCTIONS,
    number::FUNCTIONS,
    provider::FUNCTIONS,
    regex::FUNCTIONS,
    sequence::FUNCTIONS,
    set::FUNCTIONS,
    string::FUNCTIONS,
    template::FUNCTIONS,
    time::FUNCTIONS,
    yaml::FUNCTIONS,
];

static BY_NAME: LazyLock<HashMap<&'static str, &'static Function>> =
    LazyLock::new(|| all().map(|function| (function.name, function)).collect());

/// Returns the function with this name; those of a provider are named `provider::NAME::function`.
pub(crate) fn find(name: &str) -> Option<&'static Function> {
    BY_NAME.get(name).copied()
}

/// Iterates over all functions, by family.
pub fn all() -> impl Iterator<Item = &'static Function> {
    FAMILIES.iter().flat_map(|family| family.iter())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::all;

    /// The signatures that Terraform 1.11.4 gives (`terraform metadata functions -json`).
    const TERRAFORMS: &str = include_str!("../../tests/data/functions.jsonl");

    #[test]
    fn signatures_are_terraforms() {
        let ours: BTreeMap<&str, _> = all().map(|function| (function.name, function)).collect();
        assert_eq!(ours.len(), all().count(), "a name twice");
        for line in TERRAFORMS.lines() {
            let signature: serde_json::Value = serde_json::from_str(line).unwrap();
            let name = signature["name"].as_str().unwrap();
            let function = ours.get(name).unwrap_or_else(|| panic!("no function {name}"));
            let params: Vec<&str> = function.params.iter().map(|param| param.name).collect();
            assert_eq!(serde_json::json!(params), signature["parameters"], "{name}");
            assert_eq!(
                function.variadic.map(|param| param.name),
                signature["variadic"].as_str(),
                "{name}"
            );
        }
    }

    #[test]
    fn every_function_says_what_it_does() {
        for function in all() {
            assert!(function.doc.ends_with('.') && function.doc.len() > 20, "{}", function.name);
        }
    }
}
