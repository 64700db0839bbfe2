//! What happens in the cloud by itself, and what it makes of requests about the types of time.

use jiff::{SignedDuration, Timestamp};
use terrarium_provider::{ApplyOutcome, ApplyReply, ApplyRequest, Lender, Window};
use terrarium_value::{Type, Value};

use super::cloud::{Inside, Object};
use super::lease::{LAST, begins, instant, set, term, text};
use super::provider::error;

impl Inside {
    /// Lets happen what fell due: leases begin and end, and what sat on them goes.
    pub(crate) fn catch_up(&mut self) {
        let (now, lag) = (self.now, self.lag);
        for (id, object) in &mut self.objects {
            if object.kind != "fake_lease" || status(object) == "TERMINATED" {
                continue;
            }
            let begins = begins(&object.state, object.created_at);
            // What is to begin at once does; the service is late with what it has to think of.
            let lag = if begins > object.created_at { lag } else { SignedDuration::ZERO };
            let opens = begins.checked_add(lag).unwrap();
            if instant(&object.state, "end").is_some_and(|end| end <= now) {
                object.state = set(&object.state, "status", Value::string("TERMINATED"));
            } else if opens <= now && status(object) == "PENDING" {
                let address = Value::string(format!("10.0.0.{id}"));
                let active = set(&object.state, "status", Value::string("ACTIVE"));
                object.state = set(&active, "address", address);
            }
        }
        self.let_go();
        self.unbind();
    }

    /// Removes what lost what it sat on.
    fn let_go(&mut self) {
        let servers = self.of_kind("fake_server");
        for id in servers {
            let server = &self.objects[&id];
            let reservation = text(&server.state, "reservation").filter(|it| !it.is_empty());
            let Some(reservation) = reservation else { continue };
            let gone = match self.lease_of(&reservation) {
                None => true,
                Some(lease) => {
                    let end = instant(&lease.state, "end").unwrap_or(Timestamp::MAX);
                    let over = status(lease) == "TERMINATED";
                    over && end.checked_add(self.linger).is_ok_and(|at| at <= self.now)
                }
            };
            if gone {
                self.objects.remove(&id);
            }
        }
        for kind in ["fake_attachment", "fake_association"] {
            for id in self.of_kind(kind) {
                let server = text(&self.objects[&id].state, "server").unwrap_or_default();
                if server.parse().is_ok_and(|id: u64| !self.objects.contains_key(&id)) {
                    self.objects.remove(&id);
                }
            }
        }
    }

    /// Takes addresses away from what is gone: they stay, and are bound to nothing.
    fn unbind(&mut self) {
        for id in self.of_kind("fake_address") {
            let bound = text(&self.objects[&id].state, "bound").unwrap_or_default();
            if bound.parse().is_ok_and(|id: u64| !self.objects.contains_key(&id)) {
                let free = set(&self.objects[&id].state, "bound", Value::null(Type::String));
                self.objects.entry(id).and_modify(|it| it.state = free);
            }
        }
    }

    fn of_kind(&self, kind: &str) -> Vec<u64> {
        self.objects.iter().filter(|(_, it)| it.kind == kind).map(|(id, _)| *id).collect()
    }

    pub(super) fn lease_of(&self, reservation: &str) -> Option<&Object> {
        let lends = |it: &&Object| text(&it.state, "reservation").as_deref() == Some(reservation);
        self.objects.values().filter(|it| it.kind == "fake_lease").find(lends)
    }

    /// Counts the leases that overlap with a window.
    pub(super) fn taken(&self, window: Option<Window>) -> usize {
        let leases = self.objects.values().filter(|it| it.kind == "fake_lease");
        let alive = leases.filter(|it| status(it) != "TERMINATED");
        let overlaps = |it: &Object| {
            let term = term(it).map(|term| term.window);
            term.zip(window).is_some_and(|(one, other)| one.intersect(&other).is_some())
        };
        alive.filter(|it| overlaps(it)).count()
    }

    /// Returns who lends a value.
    pub(super) fn lender(&self, value: &str) -> Option<Lender> {
        let lease = self.lease_of(value)?;
        let name = text(&lease.state, "name").unwrap_or_default();
        Some(Lender { label: format!("the lease {name:?}"), term: term(lease)? })
    }

    /// Ends the lease with a name at another time, behind the engine's back.
    pub(crate) fn end(&mut self, name: &str, at: &str) {
        let lease = self.by_name(name);
        lease.state = set(&lease.state, "end", Value::string(at));
        self.catch_up();
    }
}

fn status(object: &Object) -> String {
    text(&object.state, "status").unwrap_or_default()
}

/// Creates an object of a type of time; `None`: of another.
///
/// A lease carries no marker, as at the real service.
pub(super) fn create(
    inside: &mut Inside,
    kind: &str,
    request: &ApplyRequest,
    marker: &str,
    broken: bool,
) -> Option<ApplyReply> {
    let marker = Some(marker.to_owned());
    let planned = request.planned.as_ref()?;
    let refuse = |summary: &str, detail: String| Some(ApplyReply::refused(error(summary, detail)));
    match kind {
        "fake_lease" => {
            let begins = begins(planned, inside.now);
            let window = instant(planned, "end").and_then(|end| Window::new(begins, Some(end)));
            if inside.taken(window) >= inside.capacity {
                return refuse("Not enough hosts", format!("no room for {}", request.addr));
            }
            let id = inside.make(kind, planned, None);
            let object = inside.objects.get_mut(&id)?;
            for (name, value) in [
                ("reservation", Value::string(format!("res-{id}"))),
                ("status", Value::string("PENDING")),
                ("begins", Value::string(begins.to_string())),
                ("address", Value::null(Type::String)),
            ] {
                object.state = set(&object.state, name, value);
            }
            inside.catch_up();
            let state = Some(inside.objects[&id].state.clone());
            let outcome = ApplyOutcome::Done { state, private: None, window };
            Some(ApplyReply { outcome, ..ApplyReply::done(None, None) })
        }
        "fake_server" => {
            let reservation = text(planned, "reservation").filter(|it| !it.is_empty());
            let lease = reservation.as_ref().map(|it| inside.lease_of(it).map(status));
            let id = inside.make(kind, planned, marker);
            let stands = lease.as_ref().is_none_or(|lease| lease.as_deref() == Some("ACTIVE"));
            if stands && !broken {
                return Some(ApplyReply::done(Some(inside.objects[&id].state.clone()), None));
            }
            let object = inside.objects.get_mut(&id)?;
            object.state = set(&object.state, "status", Value::string("ERROR"));
            let state = Some(object.state.clone());
            Some(ApplyReply {
                outcome: ApplyOutcome::Refused { state, private: None },
                diagnostics: error("No valid host", format!("{} has no host", request.addr)),
            })
        }
        "fake_attachment" | "fake_association" => {
            let thing = if kind == "fake_attachment" { "volume" } else { "address" };
            for name in ["server", thing] {
                let id: u64 = text(planned, name)?.parse().unwrap();
                if !inside.objects.contains_key(&id) {
                    return refuse("Not found", format!("no {name} {id}"));
                }
            }
            let held =
                |it: &Object| it.kind == kind && text(&it.state, thing) == text(planned, thing);
            if inside.objects.values().any(held) {
                return refuse("In use", format!("the {thing} is held by another"));
            }
            let id = inside.make(kind, planned, marker);
            Some(ApplyReply::done(Some(inside.objects[&id].state.clone()), None))
        }
        _ => None,
    }
}

/// Returns why a lease can't be changed like this.
pub(super) fn refuses_update(inside: &Inside, id: u64, planned: &Value) -> Option<&'static str> {
    let lease = inside.objects.get(&id).filter(|it| it.kind == "fake_lease")?;
    let (old, new) = (instant(&lease.state, "end")?, instant(planned, "end")?);
    if status(lease) == "TERMINATED" {
        return Some("a lease that ended can't be changed");
    }
    let early = inside.now < old.checked_sub(LAST).unwrap();
    (status(lease) == "ACTIVE" && new > old && early)
        .then_some("a lease can be extended in its last 48 hours only")
}

/// Returns who sits on a server, so that it can't be deleted.
pub(super) fn sits_on(inside: &Inside, id: u64) -> Option<String> {
    let server = id.to_string();
    let (other, _) = inside.objects.iter().find(|(_, it)| {
        matches!(&*it.kind, "fake_attachment" | "fake_association")
            && text(&it.state, "server").as_deref() == Some(&server)
    })?;
    Some(other.to_string())
}
