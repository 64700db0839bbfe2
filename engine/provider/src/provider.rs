//! The two stages of a provider: a kind that knows its schemas, and one that is configured.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use terrarium_address::Name;
use terrarium_diagnostic::Diagnostics;
use terrarium_value::Value;

use crate::{
    ApplyReply, ApplyRequest, DataReply, DataRequest, FindReply, FindRequest, ImportRequest,
    Imported, Lender, Limits, Pending, PlanReply, PlanRequest, PlannedFact, PollReply, Probe,
    ReadReply, ReadRequest, Schema,
};

/// A provider before it is configured: schemas and checks. Needs no network and no credentials.
#[async_trait]
pub trait ProviderKind: Send + Sync {
    /// Returns its source address without the registry's host: `terraform-provider-openstack/openstack`.
    fn source(&self) -> &str;

    /// Lists other sources that mean the same provider: what Terraform implies for the type's first word
    /// where nothing is required (`hashicorp/openstack`). Using one is a warning.
    fn implied_sources(&self) -> &[&str] {
        &[]
    }

    /// Returns the versions it stands for, newest last; a constraint must admit one of them.
    fn versions(&self) -> &[&str];

    /// Returns the schema of its configuration block.
    fn config_schema(&self) -> &Schema;

    /// Returns the schema of a resource type; built when it is first asked for.
    fn resource_schema(&self, kind: &str) -> Option<Arc<Schema>>;

    /// Returns the schema of a data source.
    fn data_schema(&self, kind: &str) -> Option<Arc<Schema>>;

    /// Lists the resource types.
    fn resource_kinds(&self) -> Vec<&str>;

    /// Lists the data sources.
    fn data_kinds(&self) -> Vec<&str>;

    /// Checks a resource's configuration beyond its schema; unknown values are allowed.
    fn validate_resource(&self, _kind: &str, _config: &Value) -> Diagnostics {
        Diagnostics::new()
    }

    /// Checks a data source's configuration beyond its schema.
    fn validate_data(&self, _kind: &str, _config: &Value) -> Diagnostics {
        Diagnostics::new()
    }

    /// Brings a stored object of an older schema version to today's; the JSON is the state's.
    fn upgrade(&self, _kind: &str, _version: u64, attributes: &str) -> Result<String, Diagnostics> {
        Ok(attributes.to_owned())
    }

    /// Makes it ready for work. Must not call an API: the first call that needs one authenticates.
    async fn configure(&self, request: ConfigureRequest) -> Configured;
}

/// What a provider is configured with.
#[derive(Clone, Debug)]
pub struct ConfigureRequest {
    /// The provider block's values; parts may be unknown.
    pub config: Value,
    /// The version that the configuration's constraint selects, `1.54.1`.
    pub version: String,
    /// Whether the outside may be reached.
    pub connection: Connection,
    /// Is asked before each call leaves.
    pub limits: Arc<dyn Limits>,
}

/// Whether a provider may reach the outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connection {
    /// It may.
    Online,
    /// `plan -offline`: it must plan from schema, configuration and prior state alone.
    Offline,
}

/// The answer to a configure.
pub struct Configured {
    /// The provider; `None` with errors.
    pub provider: Option<Arc<dyn Provider>>,
    /// Errors and warnings.
    pub diagnostics: Diagnostics,
}

/// A configured provider. Every method answers per item and in the order of its items; a batch may hold
/// items of several types, so that a device is read in one round trip.
///
/// # Cancel safety
/// A dropped `apply` is an action without an outcome: recovery finds it by its intent.
#[async_trait]
pub trait Provider: Send + Sync {
    /// Plans instances. A function of its requests: the same requests have the same answers, however often
    /// and in whatever order they are asked.
    async fn plan_many(&self, requests: Vec<PlanRequest>) -> Vec<PlanReply>;

    /// Reads instances, with list calls where the API has them.
    async fn read_many(&self, requests: Vec<ReadRequest>) -> Vec<ReadReply>;

    /// Reads instances of data sources.
    async fn read_data_many(&self, requests: Vec<DataRequest>) -> Vec<DataReply>;

    /// Judges a plan as a whole, once all of it is known: what is taken of a quota, of an allocation or of a
    /// calendar, as the peak over time. The facts are those of all configurations of this provider; a
    /// diagnostic names the instance that it is about.
    async fn check_plan(&self, _facts: &[PlannedFact]) -> Diagnostics {
        Diagnostics::new()
    }

    /// Asks cheaply whether what was deferred may be tried again, in the order of the probes.
    async fn probe_many(&self, probes: &[Probe]) -> Vec<bool> {
        vec![true; probes.len()]
    }

    /// Carries out one action, without waiting for what takes long.
    async fn apply(&self, kind: &str, request: ApplyRequest) -> ApplyReply;

    /// Asks about work that a service took on.
    async fn poll_many(&self, pending: &[Pending]) -> Vec<PollReply>;

    /// Looks an object up by the id that the user gave.
    async fn import(
        &self,
        kind: &str,
        request: ImportRequest,
    ) -> Result<Vec<Imported>, Diagnostics>;

    /// Looks for what open intents may have made.
    async fn find_many(&self, requests: &[FindRequest]) -> Vec<FindReply>;

    /// Looks up who lends what these known values of `occupies` paths name, with as few calls as the API
    /// allows; `None` for what is no loan (a flavor that anybody may use). Asked only for values that no
    /// object of the state lends.
    async fn lenders(&self, values: &[String]) -> Vec<Option<Lender>> {
        vec![None; values.len()]
    }

    /// Returns when the credentials end, where that is known before the service refuses them.
    async fn credentials_end(&self) -> Option<Timestamp> {
        None
    }

    /// Returns where it acts, after logging in: the identity service and the project as the token names
    /// them, or a simulated world. The same place has the same name, whoever logs in and however; names
    /// are compared and never read. `None` where there is no outside.
    async fn realm(&self) -> Result<Option<Name>, Diagnostics> {
        Ok(None)
    }
}
