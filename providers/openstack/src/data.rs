//! Data sources: one list call, exactly one result.

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::Value as Json;
use terrarium_diagnostic::{Diagnostic, Diagnostics};
use terrarium_provider::{DataOutcome, DataReply, DataRequest, Term};
use terrarium_value::{Map, Value};

use crate::client::{ApiError, Call, Session};
use crate::codes;
use crate::look::{Look, field, is_zero};
use crate::schema::{Attr, DataSource, Sent, Shape, type_of};
use crate::verbs::marker_in;
use crate::wire::{from_json, scalar_text, to_json};

/// What is a data source's own.
#[async_trait]
pub(crate) trait DataHooks: Send + Sync {
    /// Adds to the query what is not an argument's own text.
    fn query(&self, _config: &Value, _query: &mut Vec<(&'static str, String)>) {}

    /// Returns whether an object fits what the service can't filter by.
    fn fits(&self, _config: &Value, _object: &Json) -> bool {
        true
    }

    /// Chooses among several, where the configuration allows it.
    fn choose(&self, _config: &Value, _objects: &mut Vec<Json>) {}

    /// Returns the microversion of the list.
    fn microversion(&self) -> Option<&'static str> {
        None
    }

    /// Reads the candidates.
    async fn list(&self, ask: &Ask<'_>) -> Result<Vec<Json>, ApiError> {
        ask.list().await
    }

    /// Adds to the one object what its own representation lacks.
    async fn enrich(&self, _ask: &Ask<'_>, _object: &mut Json) -> Result<(), ApiError> {
        Ok(())
    }

    /// Returns the term of what was found, where it has one.
    fn term(&self, _object: &Json, _config: &Value, _now: Timestamp) -> Option<Term> {
        None
    }

    /// Fills in what is not field by field.
    fn decode(&self, _object: &Json, _config: &Value, _out: &mut Map) {}
}

/// Nothing of its own.
pub(crate) struct PlainData;

impl DataHooks for PlainData {}

/// One question.
pub(crate) struct Ask<'a> {
    pub(crate) session: &'a Session,
    pub(crate) row: &'static DataSource,
    pub(crate) region: &'a str,
    pub(crate) config: &'a Value,
}

impl Ask<'_> {
    /// Starts a GET of the row's service.
    pub(crate) fn get(&self, path: impl Into<String>) -> Call<'_> {
        Call::get(self.row.service, self.region, path)
    }

    /// Returns the region that is asked.
    pub(crate) fn place(&self) -> &str {
        if self.region.is_empty() { self.session.region() } else { self.region }
    }

    /// Lists what fits the arguments.
    pub(crate) async fn list(&self) -> Result<Vec<Json>, ApiError> {
        let version = self.row.hooks.microversion();
        if self.row.shared {
            let call = self.get(self.row.path).microversion(version);
            let all = self.session.shared_list(&call, self.row.collection).await?;
            return Ok(all.iter().filter(|object| self.matches(object)).cloned().collect());
        }
        let mut query = Vec::new();
        for attr in self.row.attributes {
            if let Some((name, text)) = asked(attr, self.config) {
                query.push((name, text));
            }
        }
        self.row.hooks.query(self.config, &mut query);
        let call = self.get(self.row.path).query(query).microversion(version);
        Ok(self.session.shared_list(&call, self.row.collection).await?.to_vec())
    }

    /// Returns whether an object of a shared list has what the arguments say.
    fn matches(&self, object: &Json) -> bool {
        self.row.attributes.iter().all(|attr| match asked(attr, self.config) {
            Some((name, text)) if attr.name == "tags" || name == "tags" => {
                let tags = crate::look::elements(object, "tags");
                text.split(',').all(|tag| tags.iter().any(|one| one == tag))
            }
            Some((name, text)) => object.get(name).map(scalar_text).unwrap_or_default() == text,
            None => true,
        })
    }
}

/// Returns the query parameter of an argument, where it is given.
fn asked(attr: &Attr, config: &Value) -> Option<(&'static str, String)> {
    let name = attr.filter?;
    let value = config.get(attr.name)?;
    let given =
        if attr.create == Sent::Configured { config.has(attr.name) } else { !is_zero(value) };
    if !given {
        return None;
    }
    match attr.shape {
        Shape::TextSet | Shape::TextList => Some((name, config.texts(attr.name).join(","))),
        _ => Some((name, scalar_text(&to_json(attr, value)?))),
    }
}

/// Reads one instance of a data source.
pub(crate) async fn read(
    session: &Session,
    row: &'static DataSource,
    request: &DataRequest,
) -> DataReply {
    let region = request.config.text("region").unwrap_or_default();
    let ask = Ask { session, row, region, config: &request.config };
    match one(&ask).await {
        Ok(object) => {
            let term = row.hooks.term(&object, &request.config, session.clock().now());
            let outcome = DataOutcome::Read { state: decode(&ask, &object), term };
            DataReply { outcome, diagnostics: Diagnostics::new() }
        }
        Err(diagnostic) => DataReply::refused(*diagnostic),
    }
}

async fn one(ask: &Ask<'_>) -> Result<Json, Box<Diagnostic>> {
    let failed = |error: ApiError| {
        Box::new(error.diagnostic(format!("Error reading data {}", ask.row.name)))
    };
    let hooks = ask.row.hooks;
    let mut objects = hooks.list(ask).await.map_err(failed)?;
    objects.retain(|object| hooks.fits(ask.config, object));
    if objects.len() > 1 {
        hooks.choose(ask.config, &mut objects);
    }
    let mut object = match objects.len() {
        1 => objects.swap_remove(0),
        0 => return Err(Box::new(none(ask))),
        _ => return Err(Box::new(several(ask, &objects))),
    };
    hooks.enrich(ask, &mut object).await.map_err(failed)?;
    Ok(object)
}

fn none(ask: &Ask<'_>) -> Diagnostic {
    let summary = format!(
        "Your query returned no {}. Please change your search criteria and try again.",
        ask.row.name
    );
    Diagnostic::error(codes::NOT_ONE, summary)
        .detail(format!("There is no {}{}{}.", ask.row.thing, criteria(ask), place(ask)))
        .help("check the spelling, the region and the project")
}

fn several(ask: &Ask<'_>, objects: &[Json]) -> Diagnostic {
    let mut ids: Vec<&str> = objects.iter().map(|object| field(object, "id")).collect();
    let more = ids.len().saturating_sub(5);
    ids.truncate(5);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let summary = format!(
        "Your query returned more than one {}. Please try a more specific search criteria.",
        ask.row.name
    );
    Diagnostic::error(codes::NOT_ONE, summary)
        .detail(format!(
            "There are {} of {}{}{}: {}{more}.",
            objects.len(),
            ask.row.thing,
            criteria(ask),
            place(ask),
            ids.join(", ")
        ))
        .help("names are not unique in OpenStack: give an id, or more arguments")
}

fn criteria(ask: &Ask<'_>) -> String {
    let given = ask.row.attributes.iter().filter(|attr| attr.name != "region").filter_map(|attr| {
        let value = ask.config.get(attr.name).filter(|value| !is_zero(value))?;
        let json = to_json(attr, value)?;
        Some(format!("{} = {json}", attr.name))
    });
    let given: Vec<String> = given.collect();
    if given.is_empty() { String::new() } else { format!(" with {}", given.join(", ")) }
}

fn place(ask: &Ask<'_>) -> String {
    let region = if ask.region.is_empty() { ask.session.region() } else { ask.region };
    if region.is_empty() { String::new() } else { format!(" in region {region}") }
}

fn decode(ask: &Ask<'_>, object: &Json) -> Value {
    let mut out = Map::new();
    out.insert("id".into(), Value::string(field(object, "id")));
    for attr in ask.row.attributes {
        let configured = ask.config.get(attr.name).filter(|value| !value.is_null());
        let value = match configured {
            Some(value) if !attr.read => value.clone(),
            _ if attr.read => from_json(&attr.shape, object.get(attr.wire)),
            _ => Value::null(type_of(&attr.shape)),
        };
        out.insert(attr.name.into(), value);
    }
    let region = if ask.region.is_empty() { ask.session.region() } else { ask.region };
    out.insert("region".into(), Value::string(region));
    let marked = out
        .get("description")
        .and_then(Value::as_str)
        .is_some_and(|text| marker_in(text).is_some());
    if marked {
        out.insert("description".into(), Value::string(""));
    }
    if out.contains_key("all_tags") {
        out.insert("all_tags".into(), from_json(&Shape::TextSet, object.get("tags")));
    }
    ask.row.hooks.decode(object, ask.config, &mut out);
    Value::object(out)
}
