//! The types that time has to do with: leases, what sits on them, and what only one may hold.

use jiff::{SignedDuration, Timestamp};
use terrarium_address::{AttrPath, Name, ResourceAddr};
use terrarium_diagnostic::{Diagnostic, Diagnostics};
use terrarium_provider::{
    Attribute, Block, Claim, Cost, Exclusive, Occupies, PlanNotes, PlanOutcome, PlanReply,
    PlanRequest, PlannedChange, PlannedFact, Rival, Schedule, Schema, Standing, Tenure, Term,
    Window,
};
use terrarium_value::{Type, Value};

use super::cloud::{Inside, Object};
use super::kind::{REFUSED, block};

/// The resource types of this module.
pub(super) const KINDS: [&str; 6] = [
    "fake_lease",
    "fake_server",
    "fake_attachment",
    "fake_port",
    "fake_address",
    "fake_association",
];

/// How long before its end a lease can be extended.
pub(super) const LAST: SignedDuration = SignedDuration::from_hours(48);

pub(super) fn resource_schema(kind: &str) -> Option<Schema> {
    let text = || Attribute::optional(Type::String);
    let needed = || Attribute::required(Type::String);
    let given = || Attribute::computed(Type::String);
    let of = |block: Block| Schema { block, ..Schema::default() };
    let occupies = |name: &str| vec![Occupies { path: AttrPath::attr(name) }];
    Some(match kind {
        "fake_lease" => Schema {
            tenure: Tenure::Own,
            competes: true,
            lends: vec![AttrPath::attr("reservation"), AttrPath::attr("address")],
            late: vec![AttrPath::attr("address")],
            ..of(block([
                ("id", given()),
                ("name", needed()),
                ("start", text()),
                ("end", needed()),
                ("kind", text()),
                ("zone", text()),
                ("on_ended", text()),
                ("reservation", given()),
                ("status", given()),
                ("begins", given()),
                ("address", given()),
            ]))
        },
        "fake_server" => Schema {
            tenure: Tenure::Borrowed,
            lends: vec![AttrPath::attr("id")],
            occupies: occupies("reservation"),
            exclusive: vec![exclusive("port")],
            ..of(block([
                ("id", given()),
                ("name", needed()),
                ("reservation", text()),
                ("port", text()),
                ("note", text()),
                ("status", given()),
            ]))
        },
        "fake_attachment" => Schema {
            tenure: Tenure::Borrowed,
            occupies: occupies("server"),
            exclusive: vec![exclusive("volume")],
            ..of(block([
                ("id", given()),
                ("name", text()),
                ("server", needed()),
                ("volume", needed()),
            ]))
        },
        "fake_association" => Schema {
            tenure: Tenure::Borrowed,
            occupies: occupies("server"),
            exclusive: of_association(),
            ..of(block([
                ("id", given()),
                ("name", text()),
                ("server", needed()),
                ("address", needed()),
            ]))
        },
        _ => return scarce_schema(kind),
    })
}

/// What comes from a pool that runs dry.
fn scarce_schema(kind: &str) -> Option<Schema> {
    let text = || Attribute::optional(Type::String);
    let given = || Attribute::computed(Type::String);
    let name = ("name", Attribute::required(Type::String));
    let of = |block: Block| Schema { block, scarce: true, ..Schema::default() };
    match kind {
        "fake_port" => Some(of(block([("id", given()), name]))),
        "fake_address" => Some(Schema {
            exclusive: vec![exclusive("bound")],
            ..of(block([
                ("id", given()),
                name,
                ("bound", text()),
                ("note", text()),
                ("ip", given()),
            ]))
        }),
        _ => None,
    }
}

/// An address moves to where it is told to; a server is not given two.
fn of_association() -> Vec<Exclusive> {
    let address = Exclusive { rival: Rival::TakesOver, ..exclusive("address") };
    let on_behalf = Some(AttrPath::attr("address"));
    vec![address, Exclusive { rival: Rival::RefusedAsSuccessor, on_behalf, ..exclusive("server") }]
}

fn exclusive(name: &str) -> Exclusive {
    Exclusive { path: AttrPath::attr(name), ..Exclusive::default() }
}

pub(super) fn data_schema() -> Schema {
    let block = block([
        ("name", Attribute::required(Type::String)),
        ("id", Attribute::computed(Type::String)),
        ("reservation", Attribute::computed(Type::String)),
        ("status", Attribute::computed(Type::String)),
        ("end", Attribute::computed(Type::String)),
    ]);
    let lends = vec![AttrPath::attr("reservation")];
    Schema { block, tenure: Tenure::Own, lends, ..Schema::default() }
}

/// Returns the paths whose change can't be made in place.
pub(super) fn forcing(kind: &str) -> Vec<AttrPath> {
    let names: &[&str] = match kind {
        "fake_thing" => &["size"],
        "fake_lease" => &["kind"],
        "fake_server" => &["reservation", "port"],
        "fake_attachment" => &["server", "volume"],
        "fake_association" => &["server", "address"],
        _ => &[],
    };
    names.iter().copied().map(AttrPath::attr).collect()
}

pub(super) fn text(value: &Value, name: &str) -> Option<String> {
    value.get(name)?.as_str().map(str::to_owned)
}

pub(super) fn instant(value: &Value, name: &str) -> Option<Timestamp> {
    text(value, name)?.parse().ok()
}

/// Returns when a lease begins that is made now.
pub(super) fn begins(lease: &Value, now: Timestamp) -> Timestamp {
    instant(lease, "begins")
        .unwrap_or_else(|| instant(lease, "start").map_or(now, |at| at.max(now)))
}

fn window(lease: &Value, now: Timestamp) -> Option<Window> {
    let end = instant(lease, "end")?;
    Window::new(begins(lease, now), Some(end))
}

/// Returns how a lease of the cloud stands.
pub(super) fn term(lease: &Object) -> Option<Term> {
    let window = window(&lease.state, lease.created_at)?;
    let standing = match text(&lease.state, "status").as_deref() {
        Some("ACTIVE") => Standing::Open,
        Some("TERMINATED") => Standing::Ended(window.until()?),
        _ => Standing::Upcoming,
    };
    let lacks = match text(&lease.state, "kind").as_deref() {
        Some("broken") => text(&lease.state, "reservation").into_iter().map(Name::from).collect(),
        _ => Vec::new(),
    };
    Some(Term { window, standing, zone: text(&lease.state, "zone").map(Name::from), lacks })
}

/// Plans one lease.
pub(super) fn plan(inside: &Inside, request: PlanRequest) -> PlanReply {
    let now = inside.now;
    let refuse = |summary: &str, detail: String| {
        PlanReply::refused(Diagnostic::error(REFUSED, summary).detail(detail))
    };
    let mut requires_replace = forcing("fake_lease");
    let mut schedule = Schedule::default();
    let mut notes = notes(&request.config);
    let mut warnings = Diagnostics::new();
    let mut request = request;
    if let Some(prior) = request.prior.as_ref().filter(|prior| begins(prior, now) > now)
        && text(prior, "start") != text(&request.config, "start")
    {
        let start = instant(&request.config, "start").map_or(now, |start| start.max(now));
        request.proposed = set(&request.proposed, "begins", Value::string(start.to_string()));
    }
    let end = instant(&request.proposed, "end");
    match (&request.prior, request.ended) {
        (Some(prior), Some(_)) => {
            let moved = end != instant(prior, "end") && end.is_some_and(|end| end > now);
            match text(&request.config, "on_ended").as_deref() {
                Some("error") if !moved => {
                    return refuse("Ended", format!("{} ended", request.addr));
                }
                Some("recreate") => requires_replace.push(AttrPath::attr("status")),
                _ => {}
            }
            let again = moved || requires_replace.contains(&AttrPath::attr("status"));
            let mut planned = request.proposed;
            if again {
                requires_replace.push(AttrPath::attr("end"));
                planned = set(&planned, "status", Value::string("PENDING"));
            }
            let reply = PlanReply::planned(planned, requires_replace, request.private);
            return with(reply, schedule, None, notes, warnings);
        }
        (Some(prior), None) => {
            let (old, begun) = (instant(prior, "end"), begins(prior, now) <= now);
            if let (Some(old), Some(new)) = (old, end)
                && begun
                && new > old
            {
                schedule.not_before = old.checked_sub(LAST).ok().filter(|opens| *opens > now);
                schedule.not_after = Some(old);
            }
            let differs = |name: &str| text(prior, name) != text(&request.proposed, name);
            if differs("kind") {
                let name = text(prior, "name").unwrap_or_default();
                let taken = inside.taken(window(&request.proposed, now));
                if taken > inside.capacity {
                    return refuse("Not enough hosts", format!("no room for {}", request.addr));
                }
                if taken == inside.capacity {
                    notes.gap = Some(format!("it fits only on the hosts of {name}."));
                }
            }
        }
        (None, _) => {
            if end.is_some_and(|end| end <= now) {
                return refuse("In the past", format!("{} would end in the past", request.addr));
            }
            if instant(&request.config, "start").is_some_and(|start| start < now) {
                let warning = Diagnostic::warning(REFUSED, "Start has passed");
                warnings.push(warning.detail(format!("{} begins now", request.addr)));
            }
        }
    }
    let window = window(&request.proposed, now);
    let reply = PlanReply::planned(request.proposed, requires_replace, request.private);
    with(claiming(reply, request.addr, window), schedule, window, notes, warnings)
}

/// Claims a host for a planned lease.
fn claiming(mut reply: PlanReply, by: ResourceAddr, window: Option<Window>) -> PlanReply {
    if let (PlanOutcome::Planned(planned), Some(window)) = (&mut reply.outcome, window) {
        planned.claims.push(Claim { by, resource: "hosts".into(), amount: 1, window });
    }
    reply
}

/// Judges a plan: the leases that overlap at any time need no more hosts than the project may have.
pub(super) fn check(inside: &Inside, facts: &[PlannedFact]) -> Diagnostics {
    let Some(quota) = inside.quota else { return Diagnostics::new() };
    let claims = || facts.iter().flat_map(|fact| &fact.claims);
    let at = |claim: &Claim| {
        let there = |it: &&Claim| it.window.contains(claim.window.from());
        claims().filter(there).map(|it| it.amount).sum::<u64>()
    };
    let Some((most, claim)) = claims().map(|it| (at(it), it)).max_by_key(|(most, _)| *most) else {
        return Diagnostics::new();
    };
    if most <= quota {
        return Diagnostics::new();
    }
    let detail =
        format!("{most} leases at {}, and the project may have {quota}", claim.window.from());
    Diagnostic::error(REFUSED, "Too many hosts at once")
        .detail(detail)
        .about(claim.by.clone())
        .into()
}

fn notes(config: &Value) -> PlanNotes {
    let cost = Cost { total_milli: 2_000, hourly_milli: 1_000, unit: "SU".into() };
    PlanNotes {
        lends: None,
        zone: text(config, "zone").map(Name::from),
        cost: text(config, "kind").map(|_| cost),
        gap: None,
        perishes: Some("the disks of its servers".to_owned()),
    }
}

fn with(
    mut reply: PlanReply,
    schedule: Schedule,
    window: Option<Window>,
    notes: PlanNotes,
    diagnostics: Diagnostics,
) -> PlanReply {
    if let PlanOutcome::Planned(planned) = &mut reply.outcome {
        **planned = PlannedChange { schedule, window, notes, ..(**planned).clone() };
    }
    PlanReply { diagnostics, ..reply }
}

/// Replaces one attribute.
pub(super) fn set(value: &Value, name: &str, to: Value) -> Value {
    let mut entries = value.to_map().unwrap();
    entries.insert(name.into(), to);
    Value::object(entries)
}
