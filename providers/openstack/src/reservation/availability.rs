//! When things are free: the planner's question.

use async_trait::async_trait;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value as Json, json};
use terrarium_provider::{Tenure, Window};
use terrarium_value::{Map, Type, Value};

use super::calendar::{Ask as Asked, Calendar, Pool};
use super::data::{POOL, REGION, WHERE, conditions};
use super::date::{self, Moment};
use super::rules;
use crate::client::{ApiError, Service};
use crate::data::{Ask, DataHooks};
use crate::look::Look;
use crate::schema::{DataSource, int, objects, text};

/// How far ahead free windows are looked for, where nothing is said.
const HORIZON: SignedDuration = SignedDuration::from_hours(60 * 24);

pub(crate) const AVAILABILITY_DATA: DataSource = DataSource {
    name: "openstack_reservation_availability_v1",
    thing: "free window",
    service: Service::Reservation,
    path: "",
    collection: "windows",
    attributes: &[
        // `count` is the language's own.
        int("amount").about("How many must be free at once.").local(),
        text("duration").about("How long they must be free.").required().local(),
        text("first_end_date")
            .about("The end of the first window, as long as was asked for.")
            .computed(),
        text("first_start_date").about("The start of the first window.").computed(),
        text("from").about("From when on to look; now where nothing is given.").local(),
        POOL,
        REGION,
        text("time_zone")
            .about("The time zone of what is shown and given; UTC where none is given.")
            .local(),
        text("until").about("Until when to look; 60 days where nothing is given.").local(),
        WHERE,
        objects(
            "windows",
            &[
                text("end_date").about("When it ends."),
                int("free").about("How many are free all the time."),
                text("label").about("The window in words."),
                text("start_date").about("When it begins."),
            ],
        )
        .about("The free windows."),
    ],
    shared: false,
    tenure: Tenure::None,
    lends: &[],
    hooks: &AvailabilityData,
};

struct AvailabilityData;

/// What is looked for, as a configuration says it.
struct Query {
    zone: Option<TimeZone>,
    from: Timestamp,
    until: Timestamp,
    length: SignedDuration,
    count: usize,
}

impl Query {
    fn of(config: &Value, now: Timestamp) -> Result<Self, String> {
        let zone = match config.text("time_zone") {
            Some(name) => {
                Some(TimeZone::get(name).map_err(|_| format!("there is no time zone {name:?}"))?)
            }
            None => None,
        };
        let at = |name: &str, default: Timestamp| match config.text(name) {
            None => Ok(default),
            Some(text) => date::parse(text, zone.as_ref()).map(|written| match written.moment {
                Moment::Now => now,
                Moment::At(at) => at,
            }),
        };
        let from = at("from", now)?.max(now);
        let until = at("until", date::later(from, HORIZON))?;
        let length = date::duration(config.text("duration").unwrap_or_default())?;
        let count = config.int("amount").and_then(|n| usize::try_from(n).ok()).unwrap_or(1);
        Ok(Self { zone, from, until, length, count: count.max(1) })
    }

    fn window_json(&self, window: Window, free: usize) -> Json {
        let end = window.until().unwrap_or(self.until);
        let shown = |at| date::shown(at, self.zone.as_ref());
        json!({
            "start_date": date::stored(window.from()), "end_date": date::stored(end), "free": free,
            "label": format!("{} to {}", shown(window.from()), shown(end)),
        })
    }
}

#[async_trait]
impl DataHooks for AvailabilityData {
    async fn list(&self, ask: &Ask<'_>) -> Result<Vec<Json>, ApiError> {
        let now = date::minute(ask.session.clock().now());
        let query = Query::of(ask.config, now).map_err(ApiError::Other)?;
        let pool = Pool::named(ask.config.text("pool").unwrap_or_default());
        let calendar = Calendar::read(ask.session, ask.region, pool).await?;
        let (project, _) = ask.session.who().await?;
        let conditions = conditions(ask.config);
        let asked = Asked {
            conditions: &conditions,
            cleaning: rules::of(ask.place()).map_or(SignedDuration::ZERO, rules::Rules::cleaning),
            except: std::collections::BTreeSet::new(),
            project: project.as_deref(),
        };
        let span = (query.from, query.until);
        let windows = calendar.windows(&asked, (query.count, query.length), span);
        let first = windows.first().map(|(window, _)| window.from());
        let windows: Vec<Json> =
            windows.iter().map(|(window, free)| query.window_json(*window, *free)).collect();
        Ok(vec![json!({
            "id": format!("{} {} {}", ask.place(), pool.things(), date::stored(query.from)),
            "windows": windows,
            "first_start_date": first.map(date::stored),
            "first_end_date": first.map(|at| date::stored(date::later(at, query.length))),
        })])
    }

    fn decode(&self, object: &Json, _config: &Value, out: &mut Map) {
        for name in ["first_start_date", "first_end_date"] {
            if object.get(name).is_none_or(Json::is_null) {
                out.insert(name.into(), Value::null(Type::String));
            }
        }
    }
}
