//! The control path `/testbed/`, which needs no token.
//!
//! | Request | Body | Answer |
//! |---|---|---|
//! | `GET clock` | | `now`, `rate`, `next_event` (null where nothing is due) |
//! | `POST clock` | `advance_seconds`, `to` (RFC 3339) or `rate` | the same; forwards only |
//! | `GET status` | | `world` (its id), `clock`, `pending_events`, counts by site and type, and of leases that others hold |
//! | `GET objects` | | `objects`; `?seeded=true` adds what the world began with |
//! | `GET settings`, `PUT settings` | members of [`Settings`] to change | all of them |
//! | `GET traffic`, `DELETE traffic` | | what came over the server's socket: the `peak` of requests in flight, and how many by method and path; `DELETE` counts anew |
//! | `POST reset` | `{"at": instant}`, else the real time; `{"keep_settings": true}`, else they are new, too | the status of the new world |

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, Row};
use serde_json::{Map, Value, json};

use crate::{
    clock::{self, Clock},
    cloud::Cloud,
    due, json,
    reply::{Refusal, Reply},
    reservation::{self, allocation},
    router::{Request, Target, plain_refusal},
    settings::Settings,
    site::SITES,
    store::Store,
    world,
};

/// Answers a request of the control path.
pub(crate) fn answer(
    clock: &Clock<'_>,
    settings: &Settings,
    request: &Request,
    target: &Target,
) -> rusqlite::Result<Reply> {
    let conn = clock.conn;
    let segments: Vec<&str> = target.segments.iter().skip(1).map(String::as_str).collect();
    let body: Value = match serde_json::from_slice(&request.body) {
        Ok(body) => body,
        Err(_) if request.body.is_empty() => Value::Null,
        Err(error) => return Ok(plain_refusal(400, &format!("the body is no JSON: {error}"))),
    };
    match (request.method.as_str(), segments.as_slice()) {
        ("GET", ["clock"]) => show_clock(clock),
        ("POST", ["clock"]) => set_clock(clock, settings, &body),
        ("GET", [] | ["status"]) => status(clock),
        ("GET", ["objects"]) => objects(conn, target),
        ("GET", ["settings"]) => Ok(shown(settings)),
        ("PUT", ["settings"]) => set_settings(clock, settings, body),
        ("POST", ["reset"]) => {
            let begins = match body.get("at").map(|at| at.as_str().map(str::parse::<Timestamp>)) {
                None => None,
                Some(Some(Ok(at))) => Some(at),
                Some(_) => return Ok(plain_refusal(400, "`at` is no RFC 3339 instant")),
            };
            let keeps = body.get("keep_settings").and_then(Value::as_bool).unwrap_or_default();
            world::reset(conn, (clock.real, begins), keeps)?;
            settle(clock, &Settings::load(conn)?)?;
            status(clock)
        }
        _ => Ok(plain_refusal(404, "the testbed's control path has no such resource")),
    }
}

fn show_clock(clock: &Clock<'_>) -> rusqlite::Result<Reply> {
    let reading = clock.read()?;
    let next = due::told(clock.conn)?.0.map(|due| clock::at(due).to_string());
    Ok(Reply::json(
        200,
        json!({"now": reading.now.to_string(), "rate": reading.rate, "next_event": next}),
    ))
}

fn set_clock(clock: &Clock<'_>, settings: &Settings, body: &Value) -> rusqlite::Result<Reply> {
    let now = clock.read()?.now;
    let step = |key: &str| body.get(key).map(|value| value.as_f64().unwrap_or(-1.0));
    if let Some(seconds) = step("advance_seconds") {
        let Ok(step) = SignedDuration::try_from_secs_f64(seconds) else {
            return Ok(plain_refusal(400, "`advance_seconds` is no number of seconds"));
        };
        if step.is_negative() {
            return Ok(plain_refusal(400, "the clock moves forwards only"));
        }
        clock.forward(now.saturating_add(step).unwrap_or(Timestamp::MAX))?;
    }
    if let Some(to) = body.get("to") {
        let Some(to) = to.as_str().and_then(|to| to.parse::<Timestamp>().ok()) else {
            return Ok(plain_refusal(400, "`to` is no RFC 3339 instant"));
        };
        if to < now {
            return Ok(plain_refusal(400, &format!("the clock moves forwards only: it is {now}")));
        }
        clock.forward(to)?;
    }
    if let Some(rate) = step("rate") {
        if rate < 0.0 {
            return Ok(plain_refusal(400, "`rate` is 0 or more seconds per second"));
        }
        clock.set_rate(rate)?;
    }
    due::run(clock.conn, clock.read()?.now, settings)?;
    show_clock(clock)
}

fn status(clock: &Clock<'_>) -> rusqlite::Result<Reply> {
    let conn = clock.conn;
    let reading = clock.read()?;
    let mut sites = Vec::new();
    for site in SITES {
        let mut statement = conn.prepare_cached(
            "SELECT kind, count(*) FROM object WHERE site = ? AND NOT seeded GROUP BY kind",
        )?;
        let counts = statement
            .query_map([site.region], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?)))?
            .map(|row| row.map(|(kind, count)| (kind, Value::from(count))))
            .collect::<rusqlite::Result<Map<String, Value>>>()?;
        let others = allocation::count_background(conn, site.region)?;
        sites.push(json!({"region": site.region, "slug": site.slug, "objects": counts,
            "leases_of_others": others}));
    }
    let (_, pending) = due::told(conn)?;
    Ok(Reply::json(
        200,
        json!({
            "world": world::id(conn)?,
            "clock": {"now": reading.now.to_string(), "rate": reading.rate},
            "pending_events": pending,
            "sites": sites,
        }),
    ))
}

/// Lists what exists; `?seeded=true` includes what the world began with.
fn objects(conn: &Connection, target: &Target) -> rusqlite::Result<Reply> {
    let seeded = target.query.get("seeded").and_then(json::parse_flag).unwrap_or(false);
    let mut statement = conn.prepare_cached(
        "SELECT site, kind, id, project, seeded, body FROM object \
         WHERE seeded <= ? ORDER BY kind, site, seq",
    )?;
    let list = statement.query_map([seeded], listed)?.collect::<rusqlite::Result<Vec<Value>>>()?;
    Ok(Reply::json(200, json!({"objects": list})))
}

fn listed(row: &Row<'_>) -> rusqlite::Result<Value> {
    let body: String = row.get(5)?;
    let body: Value = serde_json::from_str(&body).unwrap_or_default();
    let name = ["name", "display_name", "floating_ip_address"]
        .iter()
        .find_map(|key| body.get(*key).and_then(Value::as_str))
        .unwrap_or_default();
    Ok(json!({
        "site": row.get::<_, String>(0)?,
        "type": row.get::<_, String>(1)?,
        "id": row.get::<_, String>(2)?,
        "project": row.get::<_, String>(3)?,
        "seeded": row.get::<_, bool>(4)?,
        "name": name,
        "status": body.get("status").cloned().unwrap_or_default(),
    }))
}

fn shown(settings: &Settings) -> Reply {
    Reply::json(200, serde_json::to_value(settings).unwrap_or_default())
}

/// Overlays the members that the body has; the others keep their values.
fn set_settings(clock: &Clock<'_>, settings: &Settings, body: Value) -> rusqlite::Result<Reply> {
    let mut merged = json::map(serde_json::to_value(settings).unwrap_or_default());
    merged.extend(json::map(body));
    match serde_json::from_value::<Settings>(Value::Object(merged)) {
        Ok(settings) => {
            settings.save(clock.conn)?;
            settle(clock, &settings)?;
            Ok(shown(&settings))
        }
        Err(error) => Ok(plain_refusal(400, &format!("these are no settings: {error}"))),
    }
}

/// Carries out what settings mean for what already is.
fn settle(clock: &Clock<'_>, settings: &Settings) -> rusqlite::Result<()> {
    let now = clock.read()?.now;
    for site in SITES {
        let store = Store { conn: clock.conn, site: site.region };
        let cloud = Cloud { store, site, now, settings };
        if let Err(Refusal::Broken(error)) = reservation::settings_changed(&cloud) {
            return Err(error);
        }
    }
    Ok(())
}
