//! `testbed status | list | reset | advance | settings | serve`

mod forget;

use std::sync::Arc;

use clap::Subcommand;
use serde_json::{Value as Json, json};
use terrarium_testbed as testbed;

use self::forget::Forgetting;
use crate::args::instant;
use crate::codes;
use crate::context::{Context, Failed, Outcome, Speech, fail};
use crate::exit_codes;
use crate::json::pretty;
use crate::setup::testbed::{Control, Place, WORLD, is_realm, open_router, place, realm};

/// Flags.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub action: Action,
}

/// What to do with the testbed.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Show the clock, the sites, and how many objects of each type exist
    Status(Report),
    /// List what exists, by type
    List(List),
    /// Begin a new world: everything in this one is gone
    Reset(Reset),
    /// Move the world's clock forwards
    Advance(Advance),
    /// Show the world's settings, or change those that are given
    Settings(Change),
    /// Serve the world on a loopback port until interrupted
    Serve(Serve),
}

/// Flags of `status`.
#[derive(Debug, clap::Args)]
pub struct Report {
    /// Print as JSON
    #[arg(long)]
    pub json: bool,
}

/// Flags of `list`.
#[derive(Debug, clap::Args)]
pub struct List {
    /// Print as JSON
    #[arg(long)]
    pub json: bool,
    /// Also list what the world began with: images, flavors, shared networks
    #[arg(long)]
    pub all: bool,
}

/// Flags of `reset`.
#[derive(Debug, clap::Args)]
pub struct Reset {
    /// Do not ask
    #[arg(long)]
    pub force: bool,
    /// Keep the settings of the old world: quotas, faults, delays
    #[arg(long)]
    pub keep_settings: bool,
}

/// Flags of `advance`.
#[derive(Debug, clap::Args)]
pub struct Advance {
    /// How far, such as 90s, 2h or 3d; or to an instant: `to 2025-03-01 09:00` (local time),
    /// 2025-03-01T09:00-05:00
    #[arg(value_name = "TIME", required = true)]
    pub time: Vec<String>,
}

/// Flags of `settings`.
#[derive(Debug, clap::Args)]
pub struct Change {
    /// What to change, as JSON: `{"quotas":{"instances":2}}`
    #[arg(value_name = "JSON")]
    pub json: Option<String>,
}

/// Flags of `serve`.
#[derive(Debug, clap::Args)]
pub struct Serve {
    /// The port; 0 lets the system choose
    #[arg(long, default_value = "0")]
    pub port: u16,
    /// Seconds of the world per second; 0 stands still
    #[arg(long, default_value = "1")]
    pub rate: f64,
    /// The world's file
    #[arg(long, value_name = "FILE")]
    pub world: Option<String>,
    /// Settings to begin with, as JSON: `{"strict_keypairs":true}`
    #[arg(long, value_name = "JSON")]
    pub settings: Option<String>,
}

pub(crate) fn run(args: &Args, context: &Context) -> Outcome {
    context.block_on(async {
        match &args.action {
            Action::Status(report) => status(context, report).await,
            Action::List(list) => objects(context, list).await,
            Action::Reset(reset) => begin_anew(context, reset).await,
            Action::Advance(advance) => move_clock(context, advance).await,
            Action::Settings(change) => settings(context, change).await,
            Action::Serve(serve) => serve_world(context, serve).await,
        }
    })?
}

/// Opens the world of this directory, or the one that `-testbed` names.
async fn control(context: &Context) -> Result<Control, Failed> {
    match place(context, context.testbed.as_deref().unwrap_or("1")) {
        Place::Url(origin) => Control::reach(&origin).await,
        Place::File(path) if path.is_file() => Control::of_router(open_router(&path)?),
        Place::File(path) => fail(
            codes::TESTBED,
            "No testbed here",
            format!(
                "There is no world in {} yet: the first `terrarium apply -testbed` begins one.",
                context.shown(&path)
            ),
        ),
    }
}

async fn status(context: &Context, report: &Report) -> Outcome {
    let control = control(context).await?;
    let status = control.request("GET", "/testbed/status", None).await?;
    if report.json {
        context.speak(Speech::Document);
        context.out.line(&pretty(&status));
        return Ok(exit_codes::SUCCESS);
    }
    let text =
        |pointer: &str| status.pointer(pointer).and_then(Json::as_str).unwrap_or("?").to_owned();
    let rate = status.pointer("/clock/rate").and_then(Json::as_f64).unwrap_or_default();
    let pace = if rate > 0.0 {
        format!("{rate} s per second")
    } else {
        "stands still between commands".to_owned()
    };
    context.out.line(&format!("World:   {}", text("/world")));
    context.out.line(&format!("Clock:   {} ({pace})", text("/clock/now")));
    let pending = status.get("pending_events").and_then(Json::as_u64).unwrap_or_default();
    context.out.line(&format!("Pending: {pending} events"));
    for site in status.get("sites").and_then(Json::as_array).into_iter().flatten() {
        let region = site.get("region").and_then(Json::as_str).unwrap_or_default();
        let counts: Vec<String> = site
            .get("objects")
            .and_then(Json::as_object)
            .into_iter()
            .flatten()
            .map(|(kind, count)| format!("{kind} {count}"))
            .collect();
        let counts =
            if counts.is_empty() { "nothing of yours".to_owned() } else { counts.join(", ") };
        context.out.line(&format!("  {region:<12} {counts}"));
    }
    Ok(exit_codes::SUCCESS)
}

async fn objects(context: &Context, list: &List) -> Outcome {
    let control = control(context).await?;
    let path = if list.all { "/testbed/objects?seeded=true" } else { "/testbed/objects" };
    let found = control.request("GET", path, None).await?;
    if list.json {
        context.speak(Speech::Document);
        context.out.line(&pretty(&found));
        return Ok(exit_codes::SUCCESS);
    }
    let mut last = String::new();
    for object in found.get("objects").and_then(Json::as_array).into_iter().flatten() {
        let text = |key: &str| object.get(key).and_then(Json::as_str).unwrap_or_default();
        if text("type") != last {
            text("type").clone_into(&mut last);
            context.out.line(&format!("{last}:"));
        }
        let line = format!(
            "  {}  {:<24} {:<12} {}",
            text("id"),
            text("name"),
            text("site"),
            text("status")
        );
        context.out.line(line.trim_end());
    }
    if last.is_empty() {
        context.out.line("Nothing exists that a command made.");
    }
    Ok(exit_codes::SUCCESS)
}

async fn begin_anew(context: &Context, reset: &Reset) -> Outcome {
    let place = place(context, context.testbed.as_deref().unwrap_or("1"));
    let fresh = matches!(&place, Place::File(path) if !path.is_file());
    let control = match place {
        Place::File(path) => Control::of_router(open_router(&path)?)?,
        Place::Url(origin) => Control::reach(&origin).await?,
    };
    let old = realm(control.world());
    // Where the world's file is gone, nobody knows any more which world it was.
    let is_gone = |realm: &str| realm == old || fresh && is_realm(realm);
    let forgetting = forget::prepare(context, &is_gone).await?;
    if let Err(refused) = approve(context, reset, fresh, &forgetting) {
        forgetting.leave().await?;
        return refused;
    }
    // With -at the new world begins then, to rehearse a date.
    let mut body = json!({"keep_settings": reset.keep_settings});
    if let Some(at) = context.at {
        body["at"] = json!(at.to_string());
    }
    control.request("POST", "/testbed/reset", Some(body)).await?;
    context.out.line("A new world has begun.");
    let told = forgetting.told();
    forgetting.carry_out().await?;
    for told in told {
        context.out.line(&format!("Forgotten of the old one: {told}."));
    }
    Ok(exit_codes::SUCCESS)
}

/// Asks whether all may go; what is refused is the command's outcome.
fn approve(
    context: &Context,
    reset: &Reset,
    fresh: bool,
    forgetting: &Forgetting,
) -> Result<(), Outcome> {
    if reset.force || (fresh && forgetting.is_empty()) {
        return Ok(());
    }
    let too = match forgetting.told().as_slice() {
        [] => "no state here has anything of it".to_owned(),
        told => format!("of it is forgotten here: {}", told.join("; ")),
    };
    context.out.data(&format!(
        "Everything in this world will be gone; {too}.\n  Only 'yes' will be accepted to confirm.\n\n  Enter a value: "
    ));
    match context.out.ask() {
        Some(answer) if answer == "yes" => Ok(()),
        Some(_) => {
            context.out.line("Reset cancelled.");
            Err(Ok(exit_codes::ERROR))
        }
        None => Err(fail(codes::APPROVAL, "Not approved", "There is nobody to ask; give -force.")),
    }
}

async fn move_clock(context: &Context, advance: &Advance) -> Outcome {
    let words: Vec<&str> = advance.time.iter().map(String::as_str).collect();
    let text = words.strip_prefix(&["to"]).unwrap_or(&words).join(" ");
    let body = match text.parse::<jiff::SignedDuration>().or_else(|_| days(&text)) {
        Ok(span) if words.first() != Some(&"to") => json!({"advance_seconds": span.as_secs_f64()}),
        _ => match instant(&text, &context.env.time_zone()) {
            Ok(at) => json!({"to": at.to_string()}),
            Err(why) => {
                let detail = format!("{text:?} is no duration such as 90s, 2h or 3d, and {why}.");
                return fail(codes::FLAGS, "Invalid time", detail);
            }
        },
    };
    let control = control(context).await?;
    let clock = control.request("POST", "/testbed/clock", Some(body)).await?;
    let now = clock.get("now").and_then(Json::as_str).unwrap_or_default();
    context.out.line(&format!("It is now {now} there."));
    Ok(exit_codes::SUCCESS)
}

fn days(text: &str) -> Result<jiff::SignedDuration, ()> {
    let days: i64 = text.strip_suffix('d').and_then(|days| days.parse().ok()).ok_or(())?;
    days.checked_mul(24).and_then(jiff::SignedDuration::try_from_hours).ok_or(())
}

async fn settings(context: &Context, change: &Change) -> Outcome {
    let control = control(context).await?;
    let settings = match &change.json {
        Some(text) => {
            control.request("PUT", "/testbed/settings", Some(parse_settings(text)?)).await?
        }
        None => control.request("GET", "/testbed/settings", None).await?,
    };
    context.out.line(&pretty(&settings));
    Ok(exit_codes::SUCCESS)
}

fn parse_settings(text: &str) -> Result<Json, Failed> {
    match serde_json::from_str::<Json>(text) {
        Ok(settings) if settings.is_object() => Ok(settings),
        _ => fail(codes::FLAGS, "Invalid settings", "The settings are no JSON object."),
    }
}

async fn serve_world(context: &Context, serve: &Serve) -> Outcome {
    let path = context.path(serve.world.as_deref().unwrap_or(WORLD));
    let router = open_router(&path)?;
    if let Err(error) = router.set_rate(serve.rate.max(0.0)) {
        return fail(codes::TESTBED, "Testbed can't be used", format!("{error}."));
    }
    let control = Control::of_router(router.clone())?;
    if let Some(text) = &serve.settings {
        control.request("PUT", "/testbed/settings", Some(parse_settings(text)?)).await?;
    }
    let address = ("127.0.0.1", serve.port);
    let listener = match tokio::net::TcpListener::bind(address).await {
        Ok(listener) => Arc::new(listener),
        Err(error) => {
            return fail(
                codes::TESTBED,
                "Testbed can't be served",
                format!("Port {}: {error}.", serve.port),
            );
        }
    };
    let origin =
        listener.local_addr().map(|address| format!("http://{address}")).unwrap_or_default();
    context.out.talk(&format!(
        "Testbed: serving {} at {origin} until interrupted. A clouds.yaml for it:",
        context.shown(&path)
    ));
    context.out.data(&testbed::clouds_yaml(&origin));
    let Some(listener) = Arc::into_inner(listener) else { return Ok(exit_codes::ERROR) };
    tokio::select! {
        ended = testbed::serve(listener, router) => {
            if let Err(error) = ended {
                return fail(codes::TESTBED, "Testbed can't be served", format!("{error}."));
            }
        }
        () = crate::signals::signal() => context.out.talk("Testbed: stopped; its world stays."),
    }
    Ok(exit_codes::SUCCESS)
}
