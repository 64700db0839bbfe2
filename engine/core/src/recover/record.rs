//! Writing down what recovery found, and saying what it did.

use terrarium_diagnostic::{Diagnostic, Diagnostics, Severity};
use terrarium_provider::Action;
use terrarium_state::{
    Batch, CommitError, Durability, IntentOutcome, Object, ObjectChange, ObjectStatus, OpenIntent,
};
use terrarium_value::{Marks, Value};

use super::{Case, Recovery};
use crate::held::store_failed;
use crate::{Event, RecoveryOutcome, codes, object};

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
        let known = crate::object::nulled(value);
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
                let realm = case.open.intent.realm.clone();
                let realm = realm.or_else(|| self.providers.realm_of(&case.open.intent.provider));
                let object = Object { status, realm, ..object };
                Some(Self::change(case, Some(object)))
            }
            Err(why) => {
                self.warn(case.open, &format!("it can't be written down ({why}); it stays open"));
                None
            }
        }
    }

    /// The row of an object that was changed or was to be removed, with what only its record knows: of an
    /// update nobody knows whether it was carried out, so that what it was to rest on counts as well.
    pub(super) fn changed_row(
        &self,
        case: &Case<'_>,
        value: &Value,
        private: terrarium_provider::Private,
    ) -> Option<ObjectChange> {
        let row = self.row(case, value, private, ObjectStatus::Ready)?;
        let Some(old) = self.recorded(case) else { return Some(row) };
        Some(ObjectChange { object: row.object.map(|new| kept(new, old)), ..row })
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

    pub(super) async fn close(&self, case: &Case<'_>, outcome: IntentOutcome) {
        let outcomes = vec![(case.open.intent.id, outcome)];
        self.commit(Batch { outcomes, ..Batch::default() }).await;
    }

    /// Writes an object down whose intent stays open.
    pub(super) async fn keep(&self, row: ObjectChange) {
        self.commit(Batch { objects: vec![row], ..Batch::default() }).await;
    }

    pub(super) async fn commit(&self, batch: Batch) {
        let done: Result<u64, CommitError> =
            self.held.store.submit(&self.held.fence, batch, Durability::Now).durable().await;
        if let Err(error) = done {
            self.world.report(store_failed(&error.to_string()));
        }
    }

    pub(super) fn told(&self, case: &Case<'_>, outcome: RecoveryOutcome, what: String) {
        let addr = case.addr().clone();
        let taken = outcome == RecoveryOutcome::Adopted
            || (outcome == RecoveryOutcome::Finished && case.open.intent.action == Action::Create);
        let mut taken_over = self.taken_over.borrow_mut();
        if taken && !taken_over.contains(&addr) {
            taken_over.push(addr.clone());
        }
        self.options.progress.on(Event::Recovered { addr, outcome, what });
    }

    /// Says how an action of an interrupted run ended.
    pub(super) fn words_of_end(case: &Case<'_>, row: &ObjectChange) -> String {
        let what = match (case.open.intent.action, &row.object) {
            (Action::Create, _) => "its creation, begun by an interrupted run, is finished",
            (_, None) => "it is gone, as an interrupted run had asked",
            (Action::Update, Some(_)) => "read anew after an interrupted update",
            (Action::Delete, Some(_)) => "it is still there after an interrupted removal",
        };
        what.to_owned()
    }

    pub(super) fn warn(&self, open: &OpenIntent, what: &str) {
        self.warn_as(open, "An interrupted action is still open", what);
    }

    /// Warns of an action that is not open any more.
    pub(super) fn warn_of_end(&self, open: &OpenIntent, what: &str) {
        self.warn_as(open, "An interrupted action could not be finished", what);
    }

    fn warn_as(&self, open: &OpenIntent, summary: &'static str, what: &str) {
        let action = match open.intent.action {
            Action::Create => "creation",
            Action::Update => "update",
            Action::Delete => "removal",
        };
        let warning = Diagnostic::warning(codes::RECOVERY, summary)
            .detail(format!(
                "The {action} of {} was begun at {}: {what}.",
                open.intent.addr, open.intent.at
            ))
            .about(open.intent.addr.clone());
        self.world.report(warning);
    }
}

/// Keeps what only the record knows, and what was planned beside it.
fn kept(new: Object, old: &Object) -> Object {
    let mut deps = old.deps.clone();
    deps.extend(new.deps.into_iter().filter(|dep| !old.deps.contains(dep)));
    let mut occupies = old.occupies.clone();
    occupies.extend(new.occupies.into_iter().filter(|addr| !old.occupies.contains(addr)));
    let mut sensitive = old.sensitive.clone();
    sensitive.extend(new.sensitive.into_iter().filter(|path| !old.sensitive.contains(path)));
    Object {
        status: old.status,
        deps,
        occupies,
        sensitive,
        create_before_destroy: old.create_before_destroy,
        realm: old.realm.clone().or(new.realm),
        window: new.window.or(old.window),
        identity: old.identity.clone(),
        ..new
    }
}
