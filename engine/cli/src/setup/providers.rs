//! The providers that this binary brings.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use terrarium_builtin::{Chance, OsChance};
use terrarium_core::{Deadlines, ProviderSet};
use terrarium_openstack::{
    CloudSource, HttpTransport, OpenStack, Places, Request, Response, Settings, Tls, Transport,
    TransportError,
};
use terrarium_provider::{Clock, ProviderKind};

use super::clock::{self, SystemClock};
use super::testbed::Testbed;
use crate::context::{Context, Failed};

/// How long a provider may take to tell its schemas: what Terraform gives a plugin to start.
const SCHEMAS: Duration = Duration::from_mins(1);

/// How long a provider may take for any other answer: longer than the longest time-out of a resource that
/// waits inside its own call.
const ANSWER: Duration = Duration::from_hours(3);

/// Builds all providers. Nothing is read, sent or opened before one of them is used.
pub(crate) fn all(
    context: &Context,
    clock: &Arc<dyn Clock>,
    testbed: Option<&Testbed>,
) -> ProviderSet {
    let places = Places { working_dir: context.root.clone(), home: context.env.home() };
    let (clouds, env) = match testbed {
        Some(testbed) => {
            // Of the environment only the time zone matters there.
            let zone = context.env.all().iter().filter(|(name, _)| *name == "TZ");
            let zone = zone.map(|(name, value)| (name.clone(), value.clone())).collect();
            (CloudSource::Testbed(testbed.sites()), zone)
        }
        None => (CloudSource::Files(places), context.env.all().clone()),
    };
    let settings = Settings {
        transport: Arc::new(LazyTransport::default()),
        clouds,
        clock: clock.clone(),
        env,
    };
    let chance: Arc<dyn Chance> = Arc::new(OsChance);
    let mut kinds: Vec<Arc<dyn ProviderKind>> = vec![Arc::new(OpenStack::new(settings))];
    kinds.extend(terrarium_builtin::kinds(&chance, clock));
    let kinds = kinds.into_iter().map(context.seams.provider).collect();
    let deadlines = Deadlines::by(Arc::new(SystemClock), SCHEMAS, ANSWER);
    ProviderSet::new(kinds).bounded(deadlines)
}

/// A transport that is built when the first request leaves: reading certificates takes longer than most
/// commands.
#[derive(Default)]
struct LazyTransport(OnceLock<Result<HttpTransport, String>>);

#[async_trait]
impl Transport for LazyTransport {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        match self.0.get_or_init(HttpTransport::new) {
            Ok(transport) => transport.send(request).await,
            Err(why) => Err(TransportError::NotSent(why.clone())),
        }
    }

    fn with_tls(&self, tls: &Tls) -> Result<Option<Arc<dyn Transport>>, String> {
        HttpTransport::new()?.with_tls(tls)
    }
}

/// Returns the providers that there are, without any schema.
pub(crate) fn known(context: &Context) -> ProviderSet {
    all(context, &clock::of(context, None), None)
}

/// Returns the providers with all their schemas, for commands that need nothing else of them.
pub(crate) fn schemas(context: &Context) -> Result<ProviderSet, Failed> {
    let (providers, unfetched) = context.block_on(async { known(context).fetch_all().await })?;
    if unfetched.has_errors() { Err(unfetched.into()) } else { Ok(providers) }
}
