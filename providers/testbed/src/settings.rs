//! What a world's owner may set: strictness, quotas, delays and faults.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The settings of a world, read and written under `/testbed/settings`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own, read by name")]
pub struct Settings {
    /// Whether a server's key pair must exist. Off: any name is accepted.
    pub strict_keypairs: bool,
    /// Whether servers need a reservation, as at KVM@TACC since August 2025.
    pub leases_required: bool,
    /// The only credentials that are accepted; `None` accepts all.
    pub credentials: Option<Credentials>,
    /// Whether application credentials are restricted: Blazar answers 500 to leases made by one.
    pub restricted_application_credentials: bool,
    /// How long a token lives, in seconds of the world's clock.
    pub token_lifetime_s: u32,
    /// Quota limits by resource name (`instances`, `floatingip`, `gigabytes`, …); -1 is unlimited.
    pub quotas: BTreeMap<String, i64>,
    /// How long nobody may have a host, device or address before and after a lease, in minutes.
    pub cleaning_minutes: u32,
    /// How long a lease is STARTING and TERMINATING, in seconds; nothing can be done to it then.
    pub lease_transition_s: u32,
    /// Whether leases of flavors can be changed, as Chameleon has it; released Blazar answers 500.
    pub flavor_leases_change: bool,
    /// Starts and ends of leases that will fail.
    pub lease_faults: Vec<LeaseFault>,
    /// Deletions of servers and volumes that will fail inside their service.
    pub deletion_faults: Vec<DeletionFault>,
    /// Hosts that have failed, by `uid`, `node_name` or `hypervisor_hostname`: leases on them are
    /// given others, or are degraded.
    pub failed_hosts: Vec<String>,
    /// Nodes, segments and devices that only some projects may lease: by name, the projects' ids or
    /// names, with commas.
    pub authorized_projects: BTreeMap<String, String>,
    /// Whether Chameleon's limits on leases hold: how long they last, when they may be extended, the
    /// allocation's end, service units.
    pub lease_limits: bool,
    /// When the projects' allocation ends; `None` means never. A new world sets it a year ahead.
    pub allocation_end: Option<Timestamp>,
    /// How many service units each project has.
    pub service_units: u32,
    /// How many of them each member may spend; 0 means all.
    pub user_budget: u32,
    /// Leases of other people that fill the calendar.
    pub load: Option<Load>,
    /// Whether leases with hosts that nobody ever used are deleted 9 hours after their start.
    pub idle_reaper: bool,
    /// Delays replies after their commit; kills then fall between effect and answer.
    pub reply_after: Option<ReplyAfter>,
    /// Faults to come, in order.
    pub faults: Vec<Fault>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            strict_keypairs: false,
            leases_required: false,
            credentials: None,
            restricted_application_credentials: false,
            token_lifetime_s: 14_400,
            quotas: BTreeMap::new(),
            cleaning_minutes: 5,
            lease_transition_s: 0,
            flavor_leases_change: true,
            lease_faults: Vec::new(),
            deletion_faults: Vec::new(),
            failed_hosts: Vec::new(),
            authorized_projects: BTreeMap::new(),
            lease_limits: true,
            allocation_end: None,
            service_units: 20_000,
            user_budget: 0,
            load: None,
            idle_reaper: false,
            reply_after: None,
            faults: Vec::new(),
        }
    }
}

/// Credentials that a strict world compares; what is absent is not compared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// The user's password.
    pub password: Option<String>,
    /// The application credential's secret.
    pub application_credential_secret: Option<String>,
}

/// Background load: the same seed gives the same calendar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Load {
    /// Seed of the draw.
    #[serde(default)]
    pub seed: u64,
    /// Percentage of time that the calendar is taken; GPUs are taken for more, other nodes for less.
    #[serde(default = "half")]
    pub fill: u8,
    /// Instants before which nearly all GPUs are taken; without any, one every four weeks.
    #[serde(default)]
    pub deadlines: Vec<Timestamp>,
}

fn half() -> u8 {
    50
}

/// A start or an end of leases that fails: the lease goes to ERROR.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeaseFault {
    /// What fails.
    pub event: LeaseEvent,
    /// Id or name of the lease; `None` means any.
    #[serde(default)]
    pub lease: Option<String>,
    /// How many times it fails before it is spent.
    #[serde(default = "once")]
    pub times: u32,
}

/// A deletion that its service took on and that fails inside it: the server goes to ERROR, the volume to
/// `error_deleting`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeletionFault {
    /// What is deleted: `server` or `volume`; `None` means either.
    #[serde(default)]
    pub kind: Option<String>,
    /// Id or name of the object; `None` means any.
    #[serde(default)]
    pub object: Option<String>,
    /// How many times it fails before it is spent.
    #[serde(default = "once")]
    pub times: u32,
}

/// What happens to a lease by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeaseEvent {
    /// It begins.
    Start,
    /// It ends.
    End,
}

/// The delay of replies: a draw per request, the same for the same seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReplyAfter {
    /// Shortest delay, in milliseconds of real time.
    pub min_ms: u64,
    /// Longest delay, in milliseconds of real time.
    pub max_ms: u64,
    /// Seed of the draw.
    #[serde(default)]
    pub seed: u64,
}

/// A fault that strikes the next matching requests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// How many requests it strikes before it is spent.
    #[serde(default = "once")]
    pub times: u32,
    /// How many matching requests pass before it begins.
    #[serde(default)]
    pub skip: u32,
    /// Method to match; `None` matches all.
    #[serde(default)]
    pub method: Option<String>,
    /// Beginning of the path to match, such as `/kvm-tacc/network/v2.0/ports`.
    #[serde(default)]
    pub path_prefix: String,
    /// What happens instead of, or after, the call.
    pub effect: Effect,
}

fn once() -> u32 {
    1
}

/// What a fault does to a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Effect {
    /// Answers instead of the service; nothing changes.
    Answer {
        /// Status code of the answer.
        status: u16,
        /// Headers of the answer, such as `Retry-After`.
        #[serde(default)]
        headers: BTreeMap<String, String>,
        /// Body of the answer: JSON, or a string that is sent as text.
        #[serde(default)]
        body: Value,
    },
    /// Carries the call out, then answers this status with an empty body.
    AnswerAfter {
        /// Status code of the answer.
        status: u16,
    },
    /// Cuts the connection before anything happens.
    DropBefore,
    /// Carries the call out, commits it, and cuts the connection.
    DropAfter,
}

impl Settings {
    pub(crate) fn load(conn: &Connection) -> rusqlite::Result<Settings> {
        let text: Option<String> =
            conn.query_row("SELECT settings FROM world", [], |row| row.get(0)).optional()?;
        // The row is only ever written from `save`; what an older version wrote falls back.
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
    }

    pub(crate) fn save(&self, conn: &Connection) -> rusqlite::Result<()> {
        let text = serde_json::to_string(self)
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
        conn.prepare_cached("UPDATE world SET settings = ?")?.execute([text])?;
        Ok(())
    }
}
