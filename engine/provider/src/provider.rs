//! The two stages of a provider: a kind that knows its schemas, and one that is configured.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use terrarium_address::Name;
use terrarium_diagnostic::Diagnostics;
use terrarium_value::Value;

use crate::{
    ApplyReply, ApplyRequest, DataReply, DataRequest, FindReply, FindRequest, FunctionCall,
    ImportRequest, Imported, Lender, Limits, Marked, MoveRequest, OpenRequest, Opened, Pending,
    PlanReply, PlanRequest, PlannedFact, PollReply, Private, Probe, ReadReply, ReadRequest,
    Schemas, Types, UpgradeRequest, ValidateRequest,
};

/// A provider before it is configured: schemas and checks. Needs no credentials.
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

    /// Fetches its schemas, as its version (`1.54.1`) has them: the one thing that may be slow before
    /// anything is configured, and that may fail. Everybody else reads the snapshot. Needs no credentials.
    async fn schemas(&self, version: &str, types: &Types) -> Result<Arc<Schemas>, Diagnostics>;

    /// Checks a resource's configuration beyond its schema, by the snapshot alone; unknown values are allowed.
    fn validate_resource(&self, _kind: &str, _config: &Value) -> Diagnostics {
        Diagnostics::new()
    }

    /// Checks a data source's configuration beyond its schema, by the snapshot alone.
    fn validate_data(&self, _kind: &str, _config: &Value) -> Diagnostics {
        Diagnostics::new()
    }

    /// Checks configurations that only a call can judge, in their order, before they are planned and by `validate`;
    /// asked where [`Schemas::validates`] says so.
    async fn validate_many(&self, requests: Vec<ValidateRequest>) -> Vec<Diagnostics> {
        vec![Diagnostics::new(); requests.len()]
    }

    /// Brings stored objects of an older schema version to today's, in their order: right after the schemas were
    /// fetched, so that everybody else reads rows of today.
    async fn upgrade_many(
        &self,
        requests: Vec<UpgradeRequest>,
    ) -> Vec<Result<Arc<str>, Diagnostics>> {
        requests.into_iter().map(|request| Ok(request.attributes)).collect()
    }

    /// Carries a function of its own out; asked where [`Schemas::answer`] says so. `None` where it has no
    /// such function.
    async fn call(&self, _call: &FunctionCall) -> Option<Result<Value, Diagnostics>> {
        None
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

    /// Returns whether [`Provider::check_plan`] has anything to judge: the facts of a hundred thousand changes are
    /// not gathered for nothing.
    fn judges_plans(&self) -> bool {
        true
    }

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

    /// Asks about work that a service took on. A question that the service did not answer says nothing about
    /// the work: it is still [`crate::PollOutcome::Waiting`], and the engine's timer ends it.
    async fn poll_many(&self, pending: &[Pending]) -> Vec<PollReply>;

    /// Looks an object up by the id that the user gave.
    async fn import(
        &self,
        kind: &str,
        request: ImportRequest,
    ) -> Result<Vec<Imported>, Diagnostics>;

    /// Names what is sent after the call that makes such an object, before it is whole, and that no later plan
    /// would miss by comparing; see [`crate::Intent::follow_ups`].
    ///
    /// A type that names something takes a create with prior values for *send this of what exists*: every
    /// call of it can be repeated, and it changes nothing of an object that is whole.
    fn follow_ups(&self, _kind: &str, _planned: &Value) -> Vec<Name> {
        Vec::new()
    }

    /// Looks for what open intents may have made.
    async fn find_many(&self, requests: &[FindRequest]) -> Vec<FindReply>;

    /// Brings a stored object of another type, or of another provider, into the form of one of its own, for
    /// a `moved` block between types; `None` where it knows no way.
    async fn move_state(&self, _request: &MoveRequest) -> Option<Result<Imported, Diagnostics>> {
        None
    }

    /// Returns what identifies an object beside its id, in the form of [`Schemas::identities`]; `None` for
    /// a type without such a thing.
    async fn identity(&self, _kind: &str, _state: &Value) -> Option<Value> {
        None
    }

    /// Returns whether two states of a type are those of one object: where an object is a fact about others
    /// (an association) or bears the name that it was given, one that is made anew may be the one that it
    /// was to take the place of. Removing that would remove both.
    fn is_same_object(&self, _kind: &str, _one: &Value, _other: &Value) -> bool {
        false
    }

    /// Opens an ephemeral resource; `None` where it has no such type.
    async fn open(&self, _request: &OpenRequest) -> Option<Result<Opened, Diagnostics>> {
        None
    }

    /// Renews an open ephemeral resource; returns by when it must be renewed again.
    async fn renew(
        &self,
        _kind: &str,
        _private: &Private,
    ) -> Result<Option<Timestamp>, Diagnostics> {
        Ok(None)
    }

    /// Closes an ephemeral resource at the end of the run.
    async fn close(&self, _kind: &str, _private: &Private) -> Diagnostics {
        Diagnostics::new()
    }

    /// Asks it to bring what it does to an end soon: the user wants to stop. What is under way still
    /// answers, and the engine waits for that.
    async fn stop(&self) {}

    /// Lists what carries a marker of any state, of these types: one list a type, none where no object of
    /// it can carry one or it can't be listed now.
    async fn marked_many(&self, _kinds: &[Name]) -> Vec<Marked> {
        Vec::new()
    }

    /// Looks up who lends what these known values of `occupies` paths name, with as few calls as the API
    /// allows; `None` for what is no loan (a flavor that anybody may use). Asked only for values that no
    /// object of the state lends.
    async fn lenders(&self, values: &[String]) -> Vec<Option<Lender>> {
        vec![None; values.len()]
    }

    /// Returns an instant of the engine's clock by the clock of the service that keeps objects of a type,
    /// never later than it was there; `None` where that clock is not known. `values` are those of the
    /// instance, as far as they are known.
    fn cloud_time(
        &self,
        _kind: &str,
        _values: Option<&Value>,
        _at: Timestamp,
    ) -> Option<Timestamp> {
        None
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
