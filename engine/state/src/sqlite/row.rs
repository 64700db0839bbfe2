//! One object, one row: the columns, and the JSON of what most objects lack.

use std::collections::HashMap;

use jiff::Timestamp;
use rusqlite::Row as SqlRow;
use serde::{Deserialize, Serialize};
use terrarium_address::{AttrPath, Name, PathStep, ResourceAddr, Target, intern};
use terrarium_provider::Window;

use crate::{Dep, Ended, InstanceSet, Object, ObjectStatus};

/// An object's columns, in the order of [`COLUMNS`].
#[derive(PartialEq)]
pub(super) struct ObjectRow {
    pub(super) provider: Name,
    pub(super) attributes: Name,
    pub(super) schema_version: i64,
    pub(super) private: Option<std::sync::Arc<[u8]>>,
    pub(super) status: i64,
    pub(super) create_before_destroy: bool,
    /// The number of the realm's row.
    pub(super) realm: Option<i64>,
    pub(super) rest: Option<String>,
}

/// What rows name by number or hash.
#[derive(Default)]
pub(super) struct Shared {
    pub(super) realms: HashMap<i64, Name>,
    pub(super) sets: HashMap<Name, InstanceSet>,
}

/// The names of the columns.
pub(super) const COLUMNS: &str =
    "provider, attributes, schema_version, private, status, create_before_destroy, realm, rest";

/// Why a row can't be read.
pub(super) type Unreadable = String;

#[derive(Default, Serialize, Deserialize, PartialEq)]
#[serde(default)]
struct Rest {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sensitive: Vec<Vec<Step>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    deps: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    window: Option<(Timestamp, Option<Timestamp>)>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    occupies: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<(Timestamp, Option<String>)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    identity: Option<(u64, String)>,
}

#[derive(Serialize, Deserialize, PartialEq)]
enum Step {
    #[serde(rename = "a")]
    Attr(String),
    #[serde(rename = "i")]
    Index(u64),
    #[serde(rename = "k")]
    Key(String),
    #[serde(rename = "*")]
    AnyElement,
}

impl ObjectRow {
    /// Builds the row of an object that exists in a realm.
    pub(super) fn of(provider: &Name, object: &Object, realm: Option<i64>) -> Self {
        let rest = Rest {
            sensitive: object
                .sensitive
                .iter()
                .map(|path| path.0.iter().map(step).collect())
                .collect(),
            deps: object.deps.iter().map(dep_text).collect(),
            window: object.window.map(|window| (window.from(), window.until())),
            occupies: object.occupies.iter().map(ToString::to_string).collect(),
            ended: object
                .ended
                .as_ref()
                .map(|ended| (ended.at, ended.with.as_ref().map(ToString::to_string))),
            identity: object.identity.as_ref().map(|(version, text)| (*version, text.to_string())),
        };
        let rest = (rest != Rest::default()).then(|| text_of(&rest));
        Self {
            provider: provider.clone(),
            attributes: object.attributes.clone(),
            schema_version: int(object.schema_version),
            private: object.private.clone(),
            status: match object.status {
                ObjectStatus::Ready => 0,
                ObjectStatus::Tainted => 1,
                ObjectStatus::Unprovisioned => 2,
            },
            create_before_destroy: object.create_before_destroy,
            realm,
            rest,
        }
    }

    /// Reads the columns from a statement's row, beginning at `from`.
    pub(super) fn read(row: &SqlRow<'_>, from: usize) -> rusqlite::Result<Self> {
        let text =
            |at: usize| -> rusqlite::Result<Name> { Ok(row.get_ref(from + at)?.as_str()?.into()) };
        Ok(Self {
            provider: intern(row.get_ref(from)?.as_str()?),
            attributes: text(1)?,
            schema_version: row.get(from + 2)?,
            private: row.get_ref(from + 3)?.as_blob_or_null()?.map(Into::into),
            status: row.get(from + 4)?,
            create_before_destroy: row.get(from + 5)?,
            realm: row.get(from + 6)?,
            rest: row.get(from + 7)?,
        })
    }

    /// Returns the object.
    pub(super) fn object(self, shared: &Shared) -> Result<Object, Unreadable> {
        let rest: Rest = match &self.rest {
            Some(text) => serde_json::from_str(text).map_err(|error| error.to_string())?,
            None => Rest::default(),
        };
        let ended = match rest.ended {
            Some((at, with)) => {
                Some(Box::new(Ended { at, with: with.map(|text| addr(&text)).transpose()? }))
            }
            None => None,
        };
        Ok(Object {
            attributes: self.attributes,
            schema_version: uint(self.schema_version),
            sensitive: rest.sensitive.into_iter().map(path).collect(),
            private: self.private,
            status: match self.status {
                0 => ObjectStatus::Ready,
                1 => ObjectStatus::Tainted,
                2 => ObjectStatus::Unprovisioned,
                other => return Err(format!("an object has the status {other}")),
            },
            deps: dependencies(&rest.deps, shared)?,
            realm: match self.realm {
                None => None,
                Some(id) => Some(shared.realms.get(&id).cloned().ok_or("a realm is missing")?),
            },
            create_before_destroy: self.create_before_destroy,
            window: rest.window.and_then(|(from, until)| Window::new(from, until)),
            occupies: rest.occupies.iter().map(|text| addr(text)).collect::<Result<_, _>>()?,
            ended,
            identity: rest.identity.map(|(version, text)| (version, text.into())),
        })
    }
}

/// Returns whether a row's object is ended, without reading the whole.
pub(super) fn is_ended(row: &ObjectRow) -> bool {
    row.rest.as_deref().is_some_and(|rest| {
        serde_json::from_str::<Rest>(rest).is_ok_and(|rest| rest.ended.is_some())
    })
}

fn step(step: &PathStep) -> Step {
    match step {
        PathStep::Attr(name) => Step::Attr(name.to_string()),
        PathStep::Index(at) => Step::Index(*at),
        PathStep::Key(key) => Step::Key(key.to_string()),
        PathStep::AnyElement => Step::AnyElement,
    }
}

fn path(steps: Vec<Step>) -> AttrPath {
    let steps = steps.into_iter().map(|step| match step {
        Step::Attr(name) => PathStep::Attr(name.into()),
        Step::Index(at) => PathStep::Index(at),
        Step::Key(key) => PathStep::Key(key.into()),
        Step::AnyElement => PathStep::AnyElement,
    });
    AttrPath(steps.collect())
}

/// Writes a dependency; an equals sign stands before an instance, so that it differs from a block, and
/// a number sign before the hash of a set.
fn dep_text(dep: &Dep) -> String {
    match dep {
        Dep::Instance(addr) => format!("={addr}"),
        Dep::Block(block) => block.to_string(),
        Dep::Set(set) => format!("#{}", set.hash()),
    }
}

fn dependencies(texts: &[String], shared: &Shared) -> Result<Vec<Dep>, Unreadable> {
    // Collected through a `Result`, it would keep room for more.
    let mut deps = Vec::with_capacity(texts.len());
    for text in texts {
        deps.push(dep(text, shared)?);
    }
    Ok(deps)
}

fn dep(text: &str, shared: &Shared) -> Result<Dep, Unreadable> {
    if let Some(hash) = text.strip_prefix('#') {
        let set = shared.sets.get(hash).cloned();
        return set.map(Dep::Set).ok_or_else(|| "a set of instances is missing".to_owned());
    }
    match text.strip_prefix('=') {
        Some(text) => addr(text).map(Dep::Instance),
        None => block(text).map(Dep::Block),
    }
}

/// Reads an address that this store wrote.
pub(super) fn addr(text: &str) -> Result<ResourceAddr, Unreadable> {
    text.parse().map_err(|error| format!("{text}: {error}"))
}

/// Reads the address of a block that this store wrote.
pub(super) fn block(text: &str) -> Result<terrarium_address::ConfigAddr, Unreadable> {
    match text.parse() {
        Ok(Target::Block(block)) => Ok(block),
        Ok(_) => Err(format!("{text}: not a block")),
        Err(error) => Err(format!("{text}: {error}")),
    }
}

/// Writes our own plain data as JSON.
pub(super) fn text_of(data: &impl Serialize) -> String {
    // Strings, numbers and sequences of them only: nothing that can't be written.
    serde_json::to_string(data).unwrap_or_default()
}

/// A number as SQLite keeps it.
pub(super) fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A number as it was before [`int`].
pub(super) fn uint(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}
