//! State files read: by strangers' hands too, so everything is checked and limited.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::value::RawValue;
use terrarium_address::{
    AttrPath, ConfigAddr, InstanceKey, Mode, ModulePath, Name, PathStep, ResourceAddr, Target,
    intern,
};

use super::json::{DEEPEST, compact, too_deep};
use crate::{Dep, Instance, Object, ObjectStatus, OutputValue, State};

/// The largest file that is read: some hundred times the state of a large course.
pub const LARGEST_BYTES: usize = 512 * 1024 * 1024;

/// Why a file is no state that can be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum V4Error {
    /// There is nothing in it.
    #[error("the file is empty: Terraform was stopped while it wrote it")]
    Empty,
    /// It ends too early.
    #[error("the file ends in the middle of something, in line {line}: it is truncated")]
    Truncated {
        /// The last line.
        line: usize,
    },
    /// It is no JSON, or not the JSON of a state.
    #[error("line {line}, column {column}: {cause}")]
    Syntax {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// What does not fit.
        cause: String,
    },
    /// It has another format.
    #[error("the file has state format {found}; this version reads format 4")]
    Version {
        /// Its format.
        found: u64,
    },
    /// It is larger than the caller allows.
    #[error("the file has {bytes} bytes; the limit `state_file` is {limit}")]
    Size {
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// It exceeds a limit.
    #[error("{0}")]
    Limit(String),
    /// Something in it makes no sense.
    #[error("{what}: {cause}")]
    Invalid {
        /// Which part.
        what: String,
        /// What is wrong with it.
        cause: String,
    },
}

impl V4Error {
    /// Says what to do about it.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Empty | Self::Truncated { .. } => {
                "restore the state from its backup (terraform.tfstate.backup) or from version control"
            }
            Self::Version { found } if *found < 4 => {
                "upgrade the file once with Terraform 0.13 or newer: run `terraform init`, then \
                 `terraform apply -refresh-only`"
            }
            Self::Size { .. } => "raise the limit by its name: TERRARIUM_LIMITS=state_file=2GiB",
            Self::Version { .. } => "use a newer version of terrarium",
            Self::Syntax { .. } | Self::Limit(_) | Self::Invalid { .. } => {
                "check that this is the state file that Terraform wrote, unchanged"
            }
        }
    }
}

#[derive(Deserialize)]
struct Head {
    version: u64,
}

#[derive(Deserialize)]
struct File<'a> {
    serial: u64,
    #[serde(default)]
    lineage: String,
    #[serde(borrow, default)]
    outputs: BTreeMap<String, Output<'a>>,
    #[serde(borrow, default)]
    resources: Option<Vec<Resource<'a>>>,
    #[serde(borrow, default)]
    check_results: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Output<'a> {
    #[serde(borrow)]
    value: &'a RawValue,
    #[serde(borrow)]
    r#type: &'a RawValue,
    #[serde(default)]
    sensitive: bool,
}

#[derive(Deserialize)]
struct Resource<'a> {
    #[serde(default)]
    module: String,
    mode: String,
    r#type: String,
    name: String,
    provider: String,
    #[serde(borrow, default)]
    instances: Vec<Item<'a>>,
}

#[derive(Deserialize)]
struct Item<'a> {
    #[serde(default)]
    index_key: Option<Key>,
    #[serde(default)]
    status: String,
    #[serde(default)]
    deposed: String,
    #[serde(default)]
    schema_version: u64,
    #[serde(borrow, default, deserialize_with = "even_null")]
    attributes: Option<&'a RawValue>,
    #[serde(borrow, default)]
    attributes_flat: Option<&'a RawValue>,
    #[serde(default)]
    sensitive_attributes: Option<Vec<Vec<Step>>>,
    #[serde(default)]
    identity_schema_version: Option<u64>,
    #[serde(borrow, default)]
    identity: Option<&'a RawValue>,
    #[serde(default)]
    private: Option<String>,
    #[serde(default)]
    dependencies: Option<Vec<String>>,
    #[serde(default)]
    create_before_destroy: bool,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Key {
    Int(u64),
    Str(String),
}

#[derive(Deserialize)]
struct Step {
    r#type: String,
    value: serde_json::Value,
}

/// Reads a value that is there as `Some`, `null` too.
fn even_null<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(from).map(Some)
}

/// Reads a state file of up to [`LARGEST_BYTES`].
pub fn read(bytes: &[u8]) -> Result<State, V4Error> {
    read_within(bytes, LARGEST_BYTES)
}

/// Reads a state file of up to so many bytes.
pub fn read_within(bytes: &[u8], limit: usize) -> Result<State, V4Error> {
    if bytes.len() > limit {
        return Err(V4Error::Size { bytes: bytes.len(), limit });
    }
    let text = std::str::from_utf8(bytes).map_err(|error| not_utf8(bytes, error))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim().is_empty() {
        return Err(V4Error::Empty);
    }
    if let Some(line) = too_deep(text) {
        let cause = format!("line {line}: values are nested deeper than {DEEPEST} levels");
        return Err(V4Error::Limit(cause));
    }
    let head: Head = serde_json::from_str(text).map_err(|error| syntax(&error))?;
    if head.version != 4 {
        return Err(V4Error::Version { found: head.version });
    }
    let file: File<'_> = serde_json::from_str(text).map_err(|error| syntax(&error))?;
    state(file)
}

fn not_utf8(bytes: &[u8], error: std::str::Utf8Error) -> V4Error {
    let before = bytes.split_at_checked(error.valid_up_to()).map_or(bytes, |(before, _)| before);
    let mut lines = before.split(|byte| *byte == b'\n');
    let column = lines.next_back().map_or(0, <[u8]>::len).saturating_add(1);
    let cause = "this is not UTF-8".to_owned();
    V4Error::Syntax { line: lines.count().saturating_add(1), column, cause }
}

fn syntax(error: &serde_json::Error) -> V4Error {
    let (line, column) = (error.line(), error.column());
    if error.is_eof() {
        return V4Error::Truncated { line };
    }
    // The place stands before the cause already.
    let cause = error.to_string();
    let cause = cause.rsplit_once(" at line ").map_or(&*cause, |(cause, _)| cause).to_owned();
    V4Error::Syntax { line, column, cause }
}

fn state(file: File<'_>) -> Result<State, V4Error> {
    let resources = file.resources.unwrap_or_default();
    let mut state = State {
        lineage: file.lineage.into(),
        serial: file.serial,
        check_results: file.check_results.map(|raw| compact(raw.get()).into()),
        ..State::default()
    };
    for (name, output) in file.outputs {
        let (value, ty) = (compact(output.value.get()), compact(output.r#type.get()));
        let sensitive = output.sensitive;
        state.outputs.insert(
            name.into(),
            OutputValue { value: value.into(), ty: ty.into(), sensitive, until: None },
        );
    }
    let mut found = Vec::with_capacity(resources.len());
    for resource in resources {
        let what = match &*resource.module {
            "" => format!("{}.{}", resource.r#type, resource.name),
            module => format!("{module}.{}.{}", resource.r#type, resource.name),
        };
        add(&mut state, &mut found, resource).map_err(|cause| V4Error::Invalid { what, cause })?;
    }
    // Built of all at once the tree's nodes are full; one by one they would be half empty.
    found.sort_by(|(one, _), (other, _)| one.cmp(other));
    if let Some([(twice, _), _]) = found.array_windows().find(|[(one, _), (next, _)]| one == next) {
        return Err(V4Error::Invalid { what: twice.to_string(), cause: TWICE.to_owned() });
    }
    state.resources = found.into_iter().collect();
    Ok(state)
}

const TWICE: &str = "the same instance stands there twice";

/// Adds a resource; the error is the cause only.
fn add(
    state: &mut State,
    found: &mut Vec<(ResourceAddr, Instance)>,
    resource: Resource<'_>,
) -> Result<(), String> {
    let block = block(&resource)?;
    if !resource.provider.contains("provider[") {
        return Err(format!("`{}` names no provider configuration", resource.provider));
    }
    let provider = intern(&resource.provider);
    if resource.instances.is_empty() {
        state.husks.insert(block, provider);
        return Ok(());
    }
    let mut instances: BTreeMap<InstanceKey, Instance> = BTreeMap::new();
    for item in resource.instances {
        let key = match &item.index_key {
            None => InstanceKey::None,
            Some(Key::Int(index)) => InstanceKey::Int(*index),
            Some(Key::Str(key)) => InstanceKey::Str(key.as_str().into()),
        };
        let deposed = Name::from(&*item.deposed);
        let object = object(item).map_err(|cause| format!("instance {key}: {cause}"))?;
        let instance = instances.entry(key).or_default();
        instance.provider = provider.clone();
        let before = match &*deposed {
            "" => instance.current.replace(object),
            _ => instance.deposed.insert(deposed, object),
        };
        if before.is_some() {
            return Err(TWICE.to_owned());
        }
    }
    let instances = instances.into_iter();
    found.extend(instances.map(|(key, it)| (ResourceAddr { block: block.clone(), key }, it)));
    Ok(())
}

fn block(resource: &Resource<'_>) -> Result<ConfigAddr, String> {
    let mode = match &*resource.mode {
        "managed" => Mode::Managed,
        "data" => Mode::Data,
        other => return Err(format!("`{other}` is no mode of a resource")),
    };
    let module: ModulePath = resource.module.parse().map_err(|error| format!("module: {error}"))?;
    let (kind, name) = (intern(&resource.r#type), Name::from(&*resource.name));
    let block = ConfigAddr { module, mode, kind, name };
    // The parser of addresses knows what a name may be.
    match block.to_string().parse() {
        Ok(Target::Block(same)) if same == block => Ok(block),
        _ => Err("type and name are no names".to_owned()),
    }
}

fn object(item: Item<'_>) -> Result<Object, String> {
    if item.attributes_flat.is_some() {
        return Err("its values are in the form of Terraform 0.11; run `terraform apply \
                    -refresh-only` once, which brings them into today's form"
            .to_owned());
    }
    let status = match &*item.status {
        "" => ObjectStatus::Ready,
        "tainted" => ObjectStatus::Tainted,
        other => return Err(format!("`{other}` is no status of an object")),
    };
    let private = match item.private {
        None => None,
        Some(text) => {
            Some(STANDARD.decode(text).map_err(|error| format!("private: {error}"))?.into())
        }
    };
    let dependencies = item.dependencies.unwrap_or_default();
    let identity = item.identity.map_or_else(String::new, |raw| compact(raw.get()));
    Ok(Object {
        attributes: item.attributes.map_or_else(String::new, |raw| compact(raw.get())).into(),
        schema_version: item.schema_version,
        sensitive: item.sensitive_attributes.unwrap_or_default().into_iter().map(path).collect(),
        private,
        status,
        deps: dependencies.iter().map(|text| dependency(text)).collect::<Result<_, _>>()?,
        create_before_destroy: item.create_before_destroy,
        identity: item.identity_schema_version.map(|version| (version, identity.into())),
        ..Object::default()
    })
}

fn dependency(text: &str) -> Result<Dep, String> {
    match text.parse() {
        Ok(Target::Block(block)) => Ok(Dep::Block(block)),
        // States of Terraform 0.12 name instances.
        Ok(Target::Instance(addr)) => Ok(Dep::Instance(addr)),
        Ok(Target::Module(_)) => Err(format!("dependency `{text}` names a module")),
        Err(error) => Err(format!("dependency `{text}`: {error}")),
    }
}

/// Reads a path; where a step is not one of ours, the path ends, which marks the whole there.
fn path(steps: Vec<Step>) -> AttrPath {
    let known = |step: Step| match (&*step.r#type, step.value) {
        ("get_attr", serde_json::Value::String(name)) => Some(PathStep::Attr(name.into())),
        ("index", serde_json::Value::Object(typed)) => match typed.get("value")? {
            serde_json::Value::String(key) => Some(PathStep::Key(key.as_str().into())),
            serde_json::Value::Number(index) => index.as_u64().map(PathStep::Index),
            _ => None,
        },
        _ => None,
    };
    AttrPath(steps.into_iter().map_while(known).collect())
}
