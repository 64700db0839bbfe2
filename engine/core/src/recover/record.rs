//! Writing down what recovery found, and saying what it did.

use terrarium_diagnostic::{Diagnostic, Diagnostics, Severity};
use terrarium_provider::Action;
use terrarium_state::{
    Batch, CommitError, Durability, IntentProgress, Object, ObjectChange, ObjectStatus, OpenIntent,
};
use terrarium_value::{Kind, Marks, Value};

use super::{Case, Recovery};
use crate::apply::store_failed;
use crate::{Event, codes, object};

impl Recovery<'_> {
    /// Reports what went wrong with a double as warnings: it does not keep the run from its work.
    pub(super) fn report_mildly(&self, diagnostics: Diagnostics) {
        for diagnostic in diagnostics {
            self.world.report(Diagnostic { severity: Severity::Warning, ..diagnostic });
        }
    }

    pub(super) fn row(
        &self,
        case: &Case<'_>,
        value: &Value,
        private: terrarium_provider::Private,
        status: ObjectStatus,
    ) -> Option<ObjectChange> {
        let known = crate::apply::nulled(value);
        let sensitive = case.draft.as_ref().map(|d| d.planned.paths_with_mark(Marks::SENSITIVE));
        let known = known.mark_paths(&sensitive.unwrap_or_default(), Marks::SENSITIVE);
        match object::write(&known, &case.schema, private) {
            Ok(object) => {
                let object = match &case.draft {
                    Some(draft) => Object {
                        deps: draft.deps.clone(),
                        create_before_destroy: draft.create_first,
                        window: draft.window,
                        occupies: draft.occupies.clone(),
                        ..object
                    },
                    None => object,
                };
                let object = Object { status, ..object };
                Some(Self::change(case, Some(object)))
            }
            Err(why) => {
                self.warn(case.open, &why);
                None
            }
        }
    }

    pub(super) fn gone(case: &Case<'_>) -> ObjectChange {
        Self::change(case, None)
    }

    pub(super) fn change(case: &Case<'_>, object: Option<Object>) -> ObjectChange {
        let intent = &case.open.intent;
        ObjectChange {
            addr: intent.addr.clone(),
            deposed: intent.deposed.clone(),
            provider: intent.provider.clone(),
            object,
        }
    }

    pub(super) async fn close(
        &self,
        case: &Case<'_>,
        progress: IntentProgress,
        row: Option<ObjectChange>,
    ) {
        let batch = Batch {
            progress: vec![(case.open.intent.id, progress)],
            objects: row.into_iter().collect(),
            ..Batch::default()
        };
        self.commit(batch).await;
    }

    pub(super) async fn commit(&self, batch: Batch) {
        let done: Result<u64, CommitError> =
            self.held.store.submit(&self.held.fence, batch, Durability::Now).durable().await;
        if let Err(error) = done {
            self.world.report(store_failed(&error.to_string()));
        }
    }

    pub(super) fn told(&self, case: &Case<'_>, what: String) {
        self.progress.on(Event::Recovered { addr: case.addr().clone(), what });
    }

    pub(super) fn warn(&self, open: &OpenIntent, what: &str) {
        let action = match open.intent.action {
            Action::Create => "creation",
            Action::Update => "update",
            Action::Delete => "removal",
        };
        let warning = Diagnostic::warning(codes::RECOVERY, "An interrupted action is still open")
            .detail(format!(
                "The {action} of {} was begun at {}: {what}.",
                open.intent.addr, open.intent.at
            ))
            .about(open.intent.addr.clone());
        self.world.report(warning);
    }
}

/// Fills what a read can't tell from what was planned.
pub(super) fn completed(read: Value, planned: Option<&Value>) -> Value {
    let (Kind::Object(found), Some(planned)) = (read.kind(), planned) else { return read };
    let merged = found.iter().map(|(name, value)| {
        let wanted = planned.get(name).filter(|wanted| value.is_null() && wanted.is_wholly_known());
        (name.clone(), wanted.unwrap_or(value).clone())
    });
    Value::object(merged.collect())
}

/// Keeps what only the record knows.
pub(super) fn kept(new: Object, old: &Object) -> Object {
    Object {
        deps: old.deps.clone(),
        create_before_destroy: old.create_before_destroy,
        window: old.window,
        occupies: old.occupies.clone(),
        sensitive: old.sensitive.clone(),
        identity: old.identity.clone(),
        ..new
    }
}
