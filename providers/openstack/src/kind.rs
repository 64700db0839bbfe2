//! The provider before it is configured: versions, schemas, checks.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use async_trait::async_trait;
use terrarium_address::{AttrPath, Mode};
use terrarium_diagnostic::{Diagnostic, Diagnostics};
use terrarium_provider::{
    Clock, ConfigureRequest, Configured, Connection, Limits, ProviderKind, Schema, Schemas, Types,
};
use terrarium_value::Value;

use crate::client::{CloudSource, Fields, Outside, Session, Transport, login};
use crate::legacy::OldVersion;
use crate::look::Look;
use crate::provider::OpenStackProvider;
use crate::schema::{
    Attr, DataSource, Resource, block_of, data_schema, flag, int, resource_schema, text, text_map,
};
use crate::validate::validate;
use crate::{codes, legacy, tables};

/// What the provider is built with.
#[derive(Clone)]
pub struct Settings {
    /// Carries requests.
    pub transport: Arc<dyn Transport>,
    /// Where clouds come from.
    pub clouds: CloudSource,
    /// The clock that all waits go through.
    pub clock: Arc<dyn Clock>,
    /// The environment, of which only `OS_*` and `TZ` are read; empty to read none.
    pub env: BTreeMap<String, String>,
}

/// The OpenStack provider.
pub struct OpenStack {
    settings: Settings,
    config: Arc<Schema>,
}

/// Versions of terraform-provider-openstack whose behaviour is known. Those before 1.51 are taken to behave as
/// that one does: public configurations that pin them use nothing that it changed.
const VERSIONS: &[&str] = &[
    "1.33.0", "1.34.0", "1.34.1", "1.35.0", "1.36.0", "1.37.0", "1.37.1", "1.38.0", "1.39.0",
    "1.40.0", "1.41.0", "1.42.0", "1.43.0", "1.43.1", "1.44.0", "1.45.0", "1.46.0", "1.47.0",
    "1.48.0", "1.49.0", "1.50.0", "1.51.0", "1.51.1", "1.52.0", "1.52.1", "1.53.0", "1.54.0",
    "1.54.1", "2.0.0", "2.1.0", "3.0.0", "3.1.0", "3.2.0", "3.3.0", "3.3.1", "3.3.2", "3.4.0",
];

/// The arguments of the provider block.
pub(crate) const CONFIG: &[Attr] = &[
    flag("allow_reauth"),
    text("application_credential_id"),
    text("application_credential_name"),
    text("application_credential_secret"),
    text("auth_url"),
    text("cacert_file"),
    text("cert"),
    text("cloud"),
    text("default_domain"),
    flag("delayed_auth"),
    flag("disable_no_cache_header"),
    text("domain_id"),
    text("domain_name"),
    flag("enable_logging"),
    text_map("endpoint_overrides"),
    text("endpoint_type"),
    flag("insecure"),
    text("key"),
    int("max_retries"),
    text("password").sensitive(),
    text("project_domain_id"),
    text("project_domain_name"),
    text("region"),
    flag("swauth"),
    flag("system_scope"),
    text("tenant_id"),
    text("tenant_name"),
    text("token"),
    // Of 1.x; without effect since Octavia is the only load balancer.
    flag("use_octavia"),
    text("user_domain_id"),
    text("user_domain_name"),
    text("user_id"),
    text("user_name"),
];

/// Arguments that have no effect where `cloud` is given.
const VOID_BESIDE_CLOUD: &[&str] = &[
    "application_credential_id",
    "application_credential_name",
    "application_credential_secret",
    "password",
    "tenant_id",
    "tenant_name",
    "token",
    "user_id",
    "user_name",
];

/// Schemas by whether they are a data source's, and the type.
type Built = HashMap<(bool, &'static str), Arc<Schema>>;

/// Schemas that were asked for, by whether they are a data source's and the type.
static SCHEMAS: LazyLock<Mutex<Built>> = LazyLock::new(Mutex::default);

/// Returns the schema of a resource type.
pub(crate) fn schema_of(row: &'static Resource) -> Arc<Schema> {
    cached((false, row.name), || resource_schema(row))
}

fn data_schema_of(row: &'static DataSource) -> Arc<Schema> {
    cached((true, row.name), || data_schema(row))
}

/// Returns the major version, else the newest.
fn major_of(version: &str) -> u64 {
    version.split('.').next().and_then(|text| text.parse().ok()).unwrap_or(3)
}

/// Returns a schema as a major version has it.
fn in_version(major: u64, mode: Mode, kind: &str, schema: Arc<Schema>) -> Arc<Schema> {
    if !legacy::differs(mode, kind) {
        return schema;
    }
    let mut own = (*schema).clone();
    legacy::in_version(major, mode, kind, &mut own);
    Arc::new(own)
}

fn cached(key: (bool, &'static str), build: impl FnOnce() -> Schema) -> Arc<Schema> {
    let mut schemas = SCHEMAS.lock().unwrap_or_else(PoisonError::into_inner);
    schemas.entry(key).or_insert_with(|| Arc::new(build())).clone()
}

impl OpenStack {
    /// Builds the provider; nothing is read or sent before it is configured and used.
    pub fn new(settings: Settings) -> Self {
        let config = Schema { block: block_of(CONFIG), ..Schema::default() };
        Self { settings, config: Arc::new(config) }
    }

    /// Returns the schema of the provider block.
    pub fn config_schema(&self) -> &Schema {
        &self.config
    }

    /// Returns the schema of a resource type; built when it is first asked for.
    pub fn resource_schema(&self, kind: &str) -> Option<Arc<Schema>> {
        tables::resource(kind).map(schema_of)
    }

    /// Returns the schema of a data source.
    pub fn data_schema(&self, kind: &str) -> Option<Arc<Schema>> {
        tables::data_source(kind).map(data_schema_of)
    }

    /// Warns of arguments that a `cloud` makes void: its credentials come from the file.
    fn without_effect(&self, config: &Value) -> Diagnostics {
        if config.text("cloud").is_none() || matches!(self.settings.clouds, CloudSource::Testbed(_))
        {
            return Diagnostics::new();
        }
        let void = VOID_BESIDE_CLOUD.iter().filter(|name| config.text(name).is_some());
        let warn = |name: &&str| {
            Diagnostic::warning(codes::NO_EFFECT, format!("{name} has no effect beside cloud"))
                .detail("With `cloud`, the credentials come from clouds.yaml and the environment.")
                .path(AttrPath::attr(name))
        };
        void.map(warn).collect()
    }

    fn session(&self, config: &Value, limits: Arc<dyn Limits>) -> Result<Session, Box<Diagnostic>> {
        let get = |name: &str| {
            let text = config.text(name).map(str::to_owned);
            text.or_else(|| config.flag(name).map(|flag| flag.to_string()))
        };
        let block = Fields::from_block(get);
        let login = login(&self.settings.clouds, block, config.text("cloud"), &self.settings.env);
        let mut transport = self.settings.transport.clone();
        if let Ok(login) = &login
            && login.tls != crate::client::Tls::default()
        {
            let own = transport.with_tls(&login.tls).map_err(|why| {
                let summary = "The TLS settings can't be used";
                Box::new(Diagnostic::error(codes::CREDENTIALS, summary).detail(why))
            })?;
            transport = own.unwrap_or(transport);
        }
        let overrides = config.pairs("endpoint_overrides");
        let overrides = overrides.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
        let no_cache = config.flag("disable_no_cache_header") != Some(true);
        let outside = Outside { transport, clock: self.settings.clock.clone(), limits };
        Ok(Session::new(login, overrides, no_cache, outside))
    }
}

#[async_trait]
impl ProviderKind for OpenStack {
    #[expect(clippy::unnecessary_literal_bound, reason = "the contract's own signature")]
    fn source(&self) -> &str {
        "terraform-provider-openstack/openstack"
    }

    fn implied_sources(&self) -> &[&str] {
        &["hashicorp/openstack"]
    }

    fn versions(&self) -> &[&str] {
        VERSIONS
    }

    async fn schemas(&self, version: &str, types: &Types) -> Result<Arc<Schemas>, Diagnostics> {
        let major = major_of(version);
        let resources = tables::RESOURCES.iter().copied();
        let data = tables::DATA_SOURCES.iter().copied();
        Ok(Arc::new(Schemas {
            config: self.config.clone(),
            resources: resources
                .clone()
                .filter(|row| types.contains(Mode::Managed, row.name))
                .map(|row| {
                    (row.name.into(), in_version(major, Mode::Managed, row.name, schema_of(row)))
                })
                .collect(),
            data: data
                .clone()
                .filter(|row| types.contains(Mode::Data, row.name))
                .map(|row| {
                    (row.name.into(), in_version(major, Mode::Data, row.name, data_schema_of(row)))
                })
                .collect(),
            resource_names: resources.map(|row| row.name.into()).collect(),
            data_names: data.map(|row| row.name.into()).collect(),
            retired: legacy::gone(),
            ..Schemas::default()
        }))
    }

    fn validate_resource(&self, kind: &str, config: &Value) -> Diagnostics {
        let Some(row) = tables::resource(kind) else { return Diagnostics::new() };
        // What an older version has is given only where its schema is selected.
        let old = legacy::of_any(Mode::Managed, kind);
        let modern = old.as_ref().map(|old| old.modern(config));
        let today = modern.as_ref().unwrap_or(config);
        let mut diagnostics = validate(row.attributes, today);
        row.hooks.validate(today, &mut diagnostics);
        diagnostics.extend(old.into_iter().flat_map(|old| old.validate(config)));
        diagnostics
    }

    fn validate_data(&self, kind: &str, config: &Value) -> Diagnostics {
        let old = legacy::of_any(Mode::Data, kind);
        let mut diagnostics = tables::data_source(kind)
            .map_or_else(Diagnostics::new, |row| validate(row.attributes, config));
        diagnostics.extend(old.into_iter().flat_map(|old| old.validate(config)));
        diagnostics
    }

    async fn configure(&self, request: ConfigureRequest) -> Configured {
        let offline = request.connection == Connection::Offline;
        let unknown =
            CONFIG.iter().find(|row| request.config.get(row.name).is_some_and(|v| !v.is_known()));
        let session = match self.session(&request.config, request.limits.clone()) {
            Ok(session) => session,
            Err(diagnostic) => {
                return Configured { provider: None, diagnostics: (*diagnostic).into() };
            }
        };
        let waits_for = unknown.map(|row| format!("the provider's argument {:?}", row.name));
        if !offline
            && waits_for.is_none()
            && let Some(why) = session.complaint()
        {
            let diagnostic = Diagnostic::error(codes::CREDENTIALS, "No usable OpenStack cloud")
                .detail(why)
                .help("set `cloud` or `auth_url` with credentials, or run with --testbed")
                .path(AttrPath::root());
            return Configured { provider: None, diagnostics: diagnostic.into() };
        }
        let major = major_of(&request.version);
        let env = self.settings.env.clone();
        let provider = OpenStackProvider::new(session, env, major, offline, waits_for);
        let provider: Arc<dyn terrarium_provider::Provider> = match major {
            0 | 1 => Arc::new(OldVersion::around(provider, major)),
            _ => Arc::new(provider),
        };
        let diagnostics = self.without_effect(&request.config);
        Configured { provider: Some(provider), diagnostics }
    }
}
