//! Rules of security groups.

use ipnet::IpNet;
use serde_json::{Value, json};

use super::{
    attribute::{Attribute, Check, fixed, required},
    collection::{Collection, Hooks},
    security_groups::{self, SECURITY_GROUP},
    standard,
};
use crate::{
    call::Call,
    cloud::Cloud,
    json::{self, Body},
    reply::{Outcome, refuse},
    store::{Kind, Object},
};

pub(crate) const RULE: Kind =
    Kind { name: "security_group_rule", indexed: &["security_group_id", "remote_group_id"] };

const ATTRIBUTES: &[Attribute] = &[
    required("security_group_id", Check::Id),
    required("direction", Check::Direction),
    fixed("ethertype", Check::Any),
    fixed("protocol", Check::Any),
    fixed("port_range_min", Check::Number),
    fixed("port_range_max", Check::Number),
    fixed("remote_ip_prefix", Check::Any),
    fixed("remote_group_id", Check::IdOrNull),
    fixed("remote_address_group_id", Check::IdOrNull),
];

/// [API: security group rules](https://docs.openstack.org/api-ref/network/v2/#security-group-rules-security-group-rules).
pub(super) const COLLECTION: Collection = Collection {
    plural: "security-group-rules",
    singular: "security_group_rule",
    kind: &RULE,
    attributes: ATTRIBUTES,
    missing: ("SecurityGroupRuleNotFound", "Security group rule {} does not exist"),
    // Enough for the course's fifty groups of ten rules.
    quota: 500,
    hooks: Hooks {
        create,
        update: Hooks::copied,
        delete: |_, _| Ok(()),
        visible: Hooks::own,
        show: Hooks::as_kept,
        action: Hooks::no_action,
    },
};

/// What two rules of one group may not share in all.
const IDENTITY: &[&str] = &[
    "direction",
    "ethertype",
    "protocol",
    "port_range_min",
    "port_range_max",
    "remote_group_id",
    "remote_address_group_id",
    "normalized_cidr",
];

/// Names of protocols that a rule may have.
const PROTOCOLS: &[&str] = &[
    "ah",
    "dccp",
    "egp",
    "esp",
    "gre",
    "hopopt",
    "icmp",
    "igmp",
    "ip",
    "ipip",
    "ipv6-encap",
    "ipv6-frag",
    "ipv6-icmp",
    "icmpv6",
    "ipv6-nonxt",
    "ipv6-opts",
    "ipv6-route",
    "ospf",
    "pgm",
    "rsvp",
    "sctp",
    "tcp",
    "udp",
    "udplite",
    "vrrp",
];

/// Returns a rule of a group that allows everything in a direction.
pub(super) fn fresh(
    cloud: &Cloud<'_>,
    group: &str,
    (direction, ethertype): (&str, &str),
) -> Outcome<Body> {
    let mut body = standard(cloud, &cloud.new_id()?, "");
    body.remove("name");
    body.remove("tags");
    body.insert("description".to_owned(), Value::Null);
    for (key, value) in [
        ("security_group_id", json!(group)),
        ("direction", json!(direction)),
        ("ethertype", json!(ethertype)),
        ("protocol", Value::Null),
        ("port_range_min", Value::Null),
        ("port_range_max", Value::Null),
        ("remote_ip_prefix", Value::Null),
        ("normalized_cidr", Value::Null),
        ("remote_group_id", Value::Null),
        ("remote_address_group_id", Value::Null),
        ("belongs_to_default_sg", json!(false)),
    ] {
        body.insert(key.to_owned(), value);
    }
    Ok(body)
}

fn create(call: &Call<'_>, given: &Body) -> Outcome<Object> {
    let cloud = &call.cloud;
    let project = &call.who.project;
    let group_id = json::text(given, "security_group_id");
    let own = |id: &str| -> Outcome<Object> {
        let group = cloud.get(&SECURITY_GROUP, id)?.filter(|group| group.project == *project);
        group.ok_or_else(|| security_groups::not_found(id))
    };
    let group = own(group_id)?;
    let remote = json::text(given, "remote_group_id");
    if !remote.is_empty() {
        own(remote)?;
    }
    let ethertype = ethertype(given)?;
    let mut rule = fresh(cloud, &group.id, (json::text(given, "direction"), ethertype))?;
    rule.insert("description".to_owned(), json!(""));
    for key in ["description", "remote_group_id", "remote_address_group_id"] {
        if let Some(value) = given.get(key) {
            rule.insert(key.to_owned(), value.clone());
        }
    }
    rule.insert("tenant_id".to_owned(), json!(project));
    rule.insert("project_id".to_owned(), json!(project));
    rule.insert("belongs_to_default_sg".to_owned(), json!(group.text("name") == "default"));
    let protocol = protocol(given)?;
    check_ports(given, protocol.as_deref())?;
    rule.insert("protocol".to_owned(), json!(protocol));
    for key in ["port_range_min", "port_range_max"] {
        rule.insert(key.to_owned(), given.get(key).cloned().unwrap_or_default());
    }
    let prefix = json::text(given, "remote_ip_prefix");
    if !prefix.is_empty() {
        if !remote.is_empty() {
            return Err(refuse(
                400,
                "SecurityGroupMultipleRemoteEntites",
                "Only one of remote_ip_prefix or remote_group_id or remote_address_group_id may be \
                 provided.",
            ));
        }
        rule.insert("normalized_cidr".to_owned(), json!(normalized(prefix, ethertype)?));
        rule.insert("remote_ip_prefix".to_owned(), json!(prefix.to_lowercase()));
    }
    for other in cloud.find(&RULE, "security_group_id", &group.id)? {
        if IDENTITY.iter().all(|key| meaning(&other.body, key) == meaning(&rule, key)) {
            return Err(refuse(
                409,
                "SecurityGroupRuleExists",
                format!("Security group rule already exists. Rule id is {}.", other.id),
            ));
        }
    }
    Ok(cloud.insert(&RULE, project, rule)?)
}

/// Returns what an attribute says: the whole Internet is no restriction.
fn meaning<'r>(rule: &'r Body, key: &str) -> Option<&'r Value> {
    let value = rule.get(key)?;
    (!matches!(value.as_str(), Some("0.0.0.0/0" | "::/0"))).then_some(value).or(Some(&Value::Null))
}

fn ethertype(given: &Body) -> Outcome<&'static str> {
    let asked = json::text(given, "ethertype");
    match asked.to_ascii_lowercase().as_str() {
        "" | "ipv4" => Ok("IPv4"),
        "ipv6" => Ok("IPv6"),
        _ => Err(refuse(
            400,
            "SecurityGroupRuleInvalidEtherType",
            format!(
                "Security group rule for ethertype '{asked}' not supported. Allowed values are \
                 ['IPv4', 'IPv6']."
            ),
        )),
    }
}

/// Returns the protocol as Neutron keeps it: a lower-case name or a number's digits.
fn protocol(given: &Body) -> Outcome<Option<String>> {
    let asked = match given.get("protocol") {
        Some(Value::String(text)) if text.is_empty() || text == "any" => return Ok(None),
        Some(Value::String(text)) => text.to_lowercase(),
        Some(Value::Number(number)) => number.to_string(),
        _ => return Ok(None),
    };
    if PROTOCOLS.contains(&asked.as_str()) || asked.parse::<u8>().is_ok() {
        return Ok(Some(asked));
    }
    let names: Vec<String> = PROTOCOLS.iter().map(|name| format!("'{name}'")).collect();
    Err(refuse(
        400,
        "SecurityGroupRuleInvalidProtocol",
        format!(
            "Security group rule protocol {asked} not supported. Only protocol values (None, 'any', \
             {}) and integer representations [0 to 255] are supported.",
            names.join(", ")
        ),
    ))
}

fn check_ports(given: &Body, protocol: Option<&str>) -> Outcome<()> {
    let low = json::number(given, "port_range_min");
    let high = json::number(given, "port_range_max");
    if low.is_none() && high.is_none() {
        return Ok(());
    }
    let Some(protocol) = protocol else {
        return Err(refuse(
            400,
            "SecurityGroupProtocolRequiredWithPorts",
            "Must also specify protocol if port range is given.",
        ));
    };
    if protocol.contains("icmp") {
        return check_icmp(low, high);
    }
    if let Some(port) = [low, high].into_iter().flatten().find(|port| !(0..=65_535).contains(port))
    {
        let message = format!("Invalid value for port {port}");
        return Err(refuse(400, "SecurityGroupInvalidPortValue", message));
    }
    if low.is_none() || high.is_none() || low > high {
        return Err(refuse(
            400,
            "SecurityGroupInvalidPortRange",
            "For TCP/UDP protocols, port_range_min must be <= port_range_max",
        ));
    }
    Ok(())
}

fn check_icmp(kind: Option<i64>, code: Option<i64>) -> Outcome<()> {
    for (field, key, value) in [("type", "port_range_min", kind), ("code", "port_range_max", code)]
    {
        if let Some(value) = value.filter(|value| !(0..=255).contains(value)) {
            return Err(refuse(
                400,
                "SecurityGroupInvalidIcmpValue",
                format!("Invalid value for ICMP {field} ({key}) {value}. It must be 0 to 255."),
            ));
        }
    }
    Ok(())
}

fn normalized(prefix: &str, ethertype: &str) -> Outcome<String> {
    let bare = prefix.parse::<std::net::IpAddr>().map(IpNet::from);
    let Ok(net) = prefix.parse::<IpNet>().or(bare) else {
        let message = format!("Invalid CIDR {prefix} given as IP prefix.");
        return Err(refuse(400, "InvalidCIDR", message));
    };
    let family = if matches!(net, IpNet::V4(_)) { "IPv4" } else { "IPv6" };
    if family != ethertype {
        return Err(refuse(
            400,
            "SecurityGroupRuleParameterConflict",
            format!("Conflicting value ethertype {ethertype} for CIDR {prefix}"),
        ));
    }
    Ok(net.trunc().to_string())
}
