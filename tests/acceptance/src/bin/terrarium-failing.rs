//! Terrarium with providers that fail once: `terrarium-failing METHOD:MANNER COMMAND …`. It leaves a file
//! `asked` where the failure came to pass.

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use jiff::Timestamp;
use terrarium_address::Name;
use terrarium_cli::context::Seams;
use terrarium_cli::env::Env;
use terrarium_diagnostic::{Code, Diagnostic, Diagnostics};
use terrarium_provider::{
    ApplyReply, ApplyRequest, ConfigureRequest, Configured, DataReply, DataRequest, FindReply,
    FindRequest, ImportRequest, Imported, Lender, Marked, Pending, PlanReply, PlanRequest,
    PlannedFact, PollReply, Provider, ProviderKind, ReadReply, ReadRequest, Schema, Schemas, Types,
    UpgradeRequest, ValidateRequest,
};
use terrarium_value::Value;

/// The method that fails, and whether it panics.
static FAILURE: OnceLock<(String, bool)> = OnceLock::new();
static FAILED: AtomicBool = AtomicBool::new(false);

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let failure = args.next().unwrap_or_default();
    let (method, manner) = failure.split_once(':').unwrap_or((&failure, ""));
    let _once = FAILURE.set((method.to_owned(), manner == "panic"));
    let seams = Seams { provider: |kind| Arc::new(FailingKind(kind)), ..Seams::default() };
    let env = Env::of_process();
    let run = || terrarium_cli::run_over(args.collect(), Env::of_process(), seams);
    ExitCode::from(terrarium_cli::crash::guard(&env, run))
}

/// Fails once, where it is this method's turn.
fn fails(method: &str) -> Option<Diagnostics> {
    let (which, panics) = FAILURE.get()?;
    if which != method || FAILED.swap(true, Ordering::SeqCst) {
        return None;
    }
    let _told = std::fs::write("asked", method);
    assert!(!panics, "a bug of the provider");
    Some(Diagnostic::error(Code("T9001"), "The plugin crashed").into())
}

/// Answers a batch with the failure, at the first of it.
fn instead<A>(method: &str, count: usize, refused: impl Fn(Diagnostics) -> A) -> Option<Vec<A>> {
    let mut why = if count == 0 { None } else { fails(method) }?;
    Some((0..count).map(|_| refused(std::mem::take(&mut why))).collect())
}

/// Asks for more calls, as a plugin's schemas do: to check configurations, and, where that is to fail, to upgrade
/// what is recorded.
fn hosted(schemas: &Schemas) -> Arc<Schemas> {
    let mut schemas = Schemas { validates: true, ..schemas.clone() };
    if FAILURE.get().is_some_and(|(method, _)| method == "upgrade") {
        for schema in schemas.resources.values_mut() {
            let version = schema.version + 1;
            *schema = Arc::new(Schema { version, ..Schema::clone(schema) });
        }
    }
    Arc::new(schemas)
}

struct FailingKind(Arc<dyn ProviderKind>);

#[async_trait]
impl ProviderKind for FailingKind {
    fn source(&self) -> &str {
        self.0.source()
    }

    fn implied_sources(&self) -> &[&str] {
        self.0.implied_sources()
    }

    fn versions(&self) -> &[&str] {
        self.0.versions()
    }

    async fn schemas(&self, version: &str, types: &Types) -> Result<Arc<Schemas>, Diagnostics> {
        match fails("schemas") {
            Some(why) => Err(why),
            None => Ok(hosted(&*self.0.schemas(version, types).await?)),
        }
    }

    fn validate_resource(&self, kind: &str, config: &Value) -> Diagnostics {
        fails("validate").unwrap_or_else(|| self.0.validate_resource(kind, config))
    }

    fn validate_data(&self, kind: &str, config: &Value) -> Diagnostics {
        self.0.validate_data(kind, config)
    }

    async fn validate_many(&self, requests: Vec<ValidateRequest>) -> Vec<Diagnostics> {
        match instead("validate-call", requests.len(), |why| why) {
            Some(answers) => answers,
            None => self.0.validate_many(requests).await,
        }
    }

    async fn upgrade_many(
        &self,
        requests: Vec<UpgradeRequest>,
    ) -> Vec<Result<Arc<str>, Diagnostics>> {
        match instead("upgrade", requests.len(), Err) {
            Some(answers) => answers,
            None => self.0.upgrade_many(requests).await,
        }
    }

    async fn configure(&self, request: ConfigureRequest) -> Configured {
        if let Some(diagnostics) = fails("configure") {
            return Configured { provider: None, diagnostics };
        }
        let configured = self.0.configure(request).await;
        let provider = configured.provider.map(|it| Arc::new(Failing(it)) as Arc<dyn Provider>);
        Configured { provider, ..configured }
    }
}

struct Failing(Arc<dyn Provider>);

#[async_trait]
impl Provider for Failing {
    async fn plan_many(&self, requests: Vec<PlanRequest>) -> Vec<PlanReply> {
        match instead("plan", requests.len(), PlanReply::refused) {
            Some(replies) => replies,
            None => self.0.plan_many(requests).await,
        }
    }

    async fn read_many(&self, requests: Vec<ReadRequest>) -> Vec<ReadReply> {
        match instead("read", requests.len(), ReadReply::refused) {
            Some(replies) => replies,
            None => self.0.read_many(requests).await,
        }
    }

    async fn read_data_many(&self, requests: Vec<DataRequest>) -> Vec<DataReply> {
        match instead("data", requests.len(), DataReply::refused) {
            Some(replies) => replies,
            None => self.0.read_data_many(requests).await,
        }
    }

    async fn check_plan(&self, facts: &[PlannedFact]) -> Diagnostics {
        match fails("check") {
            Some(why) => why,
            None => self.0.check_plan(facts).await,
        }
    }

    async fn apply(&self, kind: &str, request: ApplyRequest) -> ApplyReply {
        match fails("apply") {
            Some(why) => ApplyReply::refused(why),
            None => self.0.apply(kind, request).await,
        }
    }

    async fn poll_many(&self, pending: &[Pending]) -> Vec<PollReply> {
        self.0.poll_many(pending).await
    }

    async fn import(
        &self,
        kind: &str,
        request: ImportRequest,
    ) -> Result<Vec<Imported>, Diagnostics> {
        match fails("import") {
            Some(why) => Err(why),
            None => self.0.import(kind, request).await,
        }
    }

    async fn find_many(&self, requests: &[FindRequest]) -> Vec<FindReply> {
        self.0.find_many(requests).await
    }

    async fn marked_many(&self, kinds: &[Name]) -> Vec<Marked> {
        self.0.marked_many(kinds).await
    }

    async fn lenders(&self, values: &[String]) -> Vec<Option<Lender>> {
        self.0.lenders(values).await
    }

    fn cloud_time(&self, kind: &str, values: Option<&Value>, at: Timestamp) -> Option<Timestamp> {
        self.0.cloud_time(kind, values, at)
    }

    async fn realm(&self) -> Result<Option<Name>, Diagnostics> {
        self.0.realm().await
    }
}
