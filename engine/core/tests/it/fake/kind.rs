//! Schemas, and the provider before it is configured.

use std::sync::Arc;

use async_trait::async_trait;
use terrarium_address::{AttrPath, Mode, Name, PathStep};
use terrarium_diagnostic::{Code, Diagnostic, Diagnostics};
use terrarium_provider::{
    Attribute, Block, ConfigureRequest, Configured, Effect, HeldBy, Holds, NestedBlock, Nesting,
    ProviderKind, Schema, Schemas, Types, UpgradeRequest, ValidateRequest,
};
use terrarium_value::{Type, Value};

use super::broken::{self, BrokenProvider, Method};
use super::provider::FakeProvider;
use super::{Cloud, lease};

pub(crate) const REFUSED: Code = Code("T9001");

pub(crate) struct FakeKind {
    cloud: Arc<Cloud>,
    config: Schema,
}

impl FakeKind {
    pub(crate) fn new(cloud: Arc<Cloud>) -> Self {
        let block = block([
            ("endpoint", Attribute::optional(Type::String)),
            ("password", Attribute::optional(Type::String).sensitive()),
        ]);
        Self { cloud, config: Schema { block, ..Schema::default() } }
    }
}

pub(super) fn block<const N: usize>(attributes: [(&str, Attribute); N]) -> Block {
    let attributes = attributes.into_iter().map(|(name, it)| (name.into(), it)).collect();
    Block { attributes, ..Block::default() }
}

pub(crate) fn resource_schema(kind: &str) -> Option<Schema> {
    let block = match kind {
        "fake_thing" => thing(),
        "fake_slow" => block([
            ("id", Attribute::computed(Type::String)),
            ("name", Attribute::required(Type::String)),
            ("note", Attribute::optional(Type::String)),
            ("link", Attribute::optional(Type::String)),
            ("stages", Attribute::optional(Type::Number)),
            ("status", Attribute::computed(Type::String)),
        ]),
        "fake_local" => block([
            ("id", Attribute::computed(Type::String)),
            ("name", Attribute::optional(Type::String)),
            ("note", Attribute::optional(Type::String)),
            ("output", Attribute::computed(Type::String)),
        ]),
        _ => return lease::resource_schema(kind),
    };
    let effect = if kind == "fake_local" { Effect::Local } else { Effect::External };
    let holds = if kind == "fake_thing" { vec![rule_link(), tag_group()] } else { Vec::new() };
    Some(Schema { block, effect, holds, ..Schema::default() })
}

/// What the rules of a thing name can't be removed before they let go.
fn rule_link() -> Holds {
    let attr = |name: &str| PathStep::Attr(name.into());
    let path = AttrPath(vec![attr("rule"), PathStep::AnyElement, attr("link")]);
    Holds { path, by: HeldBy::Id }
}

/// The group that a tag names can't be removed, either.
fn tag_group() -> Holds {
    let path = AttrPath(vec![PathStep::Attr("tags".into()), PathStep::Key("group".into())]);
    Holds { path, by: HeldBy::Name }
}

fn thing() -> Block {
    let mut thing = block([
        ("id", Attribute::computed(Type::String)),
        ("name", Attribute::required(Type::String)),
        ("size", Attribute::optional(Type::Number)),
        ("note", Attribute::optional(Type::String)),
        ("secret", Attribute::optional(Type::String).sensitive()),
        ("zone", Attribute::optional_computed(Type::String)),
        ("token", Attribute::computed(Type::String)),
        ("link", Attribute::optional(Type::String)),
        ("links", Attribute::optional(Type::list(Type::String))),
        ("tags", Attribute::optional(Type::map(Type::String))),
    ]);
    let disk = block([
        ("size", Attribute::required(Type::Number)),
        ("label", Attribute::optional_computed(Type::String)),
    ]);
    let rule = block([
        ("port", Attribute::required(Type::Number)),
        ("link", Attribute::optional(Type::String)),
    ]);
    for (name, nesting, block) in [("disk", Nesting::List, disk), ("rule", Nesting::Set, rule)] {
        let nested = NestedBlock { nesting, block, min_items: 0, max_items: None };
        thing.blocks.insert(name.into(), nested);
    }
    thing
}

pub(crate) fn data_schema(kind: &str) -> Option<Schema> {
    if kind == "fake_lease" {
        return Some(lease::data_schema());
    }
    let block = block([
        ("name", Attribute::required(Type::String)),
        ("id", Attribute::computed(Type::String)),
        ("note", Attribute::computed(Type::String)),
    ]);
    (kind == "fake_lookup").then(|| Schema { block, ..Schema::default() })
}

#[async_trait]
impl ProviderKind for FakeKind {
    fn source(&self) -> &'static str {
        "hashicorp/fake"
    }

    fn versions(&self) -> &[&str] {
        &["1.0.0", "1.1.0"]
    }

    async fn schemas(&self, _version: &str, types: &Types) -> Result<Arc<Schemas>, Diagnostics> {
        self.cloud.count("schemas");
        broken::schemas(&self.cloud).await?;
        let resources = ["fake_thing", "fake_slow", "fake_local"].into_iter().chain(lease::KINDS);
        let data = ["fake_lookup", "fake_lease"];
        let mut all = Schemas {
            config: Arc::new(self.config.clone()),
            resource_names: resources.clone().map(Name::from).collect(),
            data_names: data.map(Name::from).into(),
            validates: true,
            ..Schemas::default()
        };
        for kind in resources.filter(|kind| types.contains(Mode::Managed, kind)) {
            let version = self.cloud.inside().schema_version;
            let schema = Schema { version, ..resource_schema(kind).unwrap() };
            all.resources.insert(kind.into(), Arc::new(schema));
        }
        for kind in data.into_iter().filter(|kind| types.contains(Mode::Data, kind)) {
            all.data.insert(kind.into(), Arc::new(data_schema(kind).unwrap()));
        }
        Ok(Arc::new(all))
    }

    fn validate_resource(&self, _kind: &str, config: &Value) -> Diagnostics {
        match config.get("name").and_then(Value::as_str) {
            Some("") => Diagnostic::error(REFUSED, "Invalid name")
                .detail("A name must not be empty.")
                .path(terrarium_address::AttrPath::attr("name"))
                .into(),
            _ => Diagnostics::new(),
        }
    }

    /// A name of this kind only the cloud knows to be taken.
    async fn validate_many(&self, requests: Vec<ValidateRequest>) -> Vec<Diagnostics> {
        let refused = broken::instead(&self.cloud, (Method::Validate, requests.len()), |why| why);
        if let Some(answers) = refused.await {
            return answers;
        }
        let check = |request: &ValidateRequest| match request.config.get("name")?.as_str()? {
            "reserved" => Some(
                Diagnostic::error(REFUSED, "Reserved name")
                    .detail("The service keeps this name for itself.")
                    .path(AttrPath::attr("name"))
                    .into(),
            ),
            _ => None,
        };
        requests.iter().map(|request| check(request).unwrap_or_default()).collect()
    }

    /// Version 0 said `title` where today's says `note`.
    async fn upgrade_many(
        &self,
        requests: Vec<UpgradeRequest>,
    ) -> Vec<Result<Arc<str>, Diagnostics>> {
        self.cloud.count("upgrade");
        let refused = broken::instead(&self.cloud, (Method::Upgrade, requests.len()), Err);
        if let Some(answers) = refused.await {
            return answers;
        }
        let upgrade = |request: UpgradeRequest| {
            Ok(request.attributes.replace("\"title\":", "\"note\":").into())
        };
        requests.into_iter().map(upgrade).collect()
    }

    async fn configure(&self, request: ConfigureRequest) -> Configured {
        self.cloud.count("configure");
        super::provider::breathe().await;
        if let Some(answer) = broken::configure(&self.cloud).await {
            return answer;
        }
        let endpoint = request.config.get("endpoint").cloned();
        let provider = Arc::new(FakeProvider::new(self.cloud.clone(), endpoint));
        let provider = Arc::new(BrokenProvider::new(provider, self.cloud.clone()));
        Configured { provider: Some(provider), diagnostics: Diagnostics::new() }
    }
}
