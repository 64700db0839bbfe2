//! What is kept beside the values: Terraform's own time-outs, and what comes next while work goes on.

use serde_json::{Map as JsonMap, Value as Json, json};
use terrarium_provider::{Action, Private};
use terrarium_value::Value;

use super::scope::Scope;

/// Terraform's key of the time-outs in a resource's private blob.
const TIMEOUTS_KEY: &str = "e2bfb730-ecaa-11e6-8f88-34363bc7c4c0";

/// Our key, present only while work goes on.
const NOTE_KEY: &str = "terrarium";

/// What the next call of a piece of work must know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Note {
    /// Which step comes next; empty for waiting only.
    pub(crate) next: String,
    /// Until when a refused step is tried again.
    pub(crate) until: Option<jiff::Timestamp>,
    /// Why it was refused last.
    pub(crate) why: String,
    /// Anything else.
    pub(crate) with: Json,
}

impl Note {
    /// Names the next step.
    pub(crate) fn next(step: &str) -> Self {
        Self { next: step.to_owned(), ..Self::default() }
    }

    /// Reads the note of a private blob; an empty one where there is none.
    pub(crate) fn of(private: &Private) -> Self {
        let json: Option<Json> =
            private.as_ref().and_then(|bytes| serde_json::from_slice(bytes).ok());
        let Some(note) = json.as_ref().and_then(|json| json.get(NOTE_KEY)) else {
            return Self::default();
        };
        let text = |key: &str| note.get(key).and_then(Json::as_str).unwrap_or_default().to_owned();
        Self {
            next: text("next"),
            until: text("until").parse().ok(),
            why: text("why"),
            with: note.get("with").cloned().unwrap_or(Json::Null),
        }
    }

    fn to_json(&self) -> Json {
        json!({
            "next": self.next,
            "until": self.until.map(|at| at.to_string()),
            "why": self.why,
            "with": self.with,
        })
    }
}

impl Scope<'_> {
    /// Returns the private blob of a finished object, as Terraform writes it.
    pub(crate) fn private(&self, values: &Value) -> Private {
        self.private_fields(values).map(|fields| blob(&fields))
    }

    /// Returns the private blob of an object at which work goes on.
    #[expect(clippy::unnecessary_wraps, reason = "it stands wherever the other one may")]
    pub(crate) fn private_with(&self, values: &Value, note: &Note) -> Private {
        let mut fields = self.private_fields(values).unwrap_or_default();
        fields.insert(NOTE_KEY.into(), note.to_json());
        Some(blob(&fields))
    }

    fn private_fields(&self, values: &Value) -> Option<JsonMap<String, Json>> {
        let mut timeouts = JsonMap::new();
        for action in [Action::Create, Action::Delete, Action::Update] {
            let (name, _) = self.row.timeout(action);
            let declared = match action {
                Action::Create => self.row.timeouts.create,
                Action::Update => self.row.timeouts.update,
                Action::Delete => self.row.timeouts.delete,
            };
            if declared.is_some() {
                let nanoseconds = self.timeout(action, Some(values)).as_nanos();
                timeouts.insert(name.into(), u64::try_from(nanoseconds).unwrap_or(u64::MAX).into());
            }
        }
        (!timeouts.is_empty())
            .then(|| JsonMap::from_iter([(TIMEOUTS_KEY.to_owned(), Json::Object(timeouts))]))
    }
}

fn blob(fields: &JsonMap<String, Json>) -> std::sync::Arc<[u8]> {
    serde_json::to_vec(fields).unwrap_or_default().into()
}
