//! [Security group rules](https://docs.openstack.org/api-ref/network/v2/#security-group-rules-security-group-rules).

use terrarium_address::AttrPath;
use terrarium_diagnostic::{Diagnostic, Diagnostics};
use terrarium_value::Value;

use super::address::{network_of, same_network};
use crate::client::{ApiError, Service};
use crate::codes;
use crate::look::Look;
use crate::schema::{Doc, MarkerField, Marks, REGION, Resource, Status, Timeouts, int, text};
use crate::verbs::Hooks;

/// Protocols by name, with their numbers at the IANA; Neutron knows these.
const PROTOCOLS: &[(&str, &str)] = &[
    ("ah", "51"),
    ("dccp", "33"),
    ("egp", "8"),
    ("esp", "50"),
    ("gre", "47"),
    ("icmp", "1"),
    ("igmp", "2"),
    ("ipv6-encap", "41"),
    ("ipv6-frag", "44"),
    ("ipv6-icmp", "58"),
    ("ipv6-nonxt", "59"),
    ("ipv6-opts", "60"),
    ("ipv6-route", "43"),
    ("ospf", "89"),
    ("pgm", "113"),
    ("rsvp", "46"),
    ("sctp", "132"),
    ("tcp", "6"),
    ("udp", "17"),
    ("udplite", "136"),
    ("vrrp", "112"),
    ("ipip", "4"),
    ("icmpv6", "58"),
];

pub(crate) const SECGROUP_RULE: Resource = Resource {
    name: "openstack_networking_secgroup_rule_v2",
    doc: Doc::of("A rule of a security group: what may pass."),
    service: Service::Network,
    path: "/security-group-rules",
    list_path: "/security-group-rules",
    envelope: "security_group_rule",
    collection: "security_group_rules",
    microversion: None,
    attributes: &[
        text("description").force_new(),
        text("direction").required().force_new().one_of(&["ingress", "egress"]),
        text("ethertype").required().force_new().one_of(&["IPv4", "IPv6"]),
        int("port_range_max")
            .force_new()
            .sent_if_configured()
            .needs(&["protocol", "port_range_min"]),
        int("port_range_min")
            .force_new()
            .sent_if_configured()
            .needs(&["protocol", "port_range_max"]),
        text("protocol").force_new().same(same_protocol),
        REGION,
        text("remote_address_group_id").optional_computed().force_new(),
        text("remote_group_id").optional_computed().force_new(),
        text("remote_ip_prefix")
            .optional_computed()
            .force_new()
            .stored(str::to_ascii_lowercase)
            .same(same_network),
        text("security_group_id").required().force_new(),
        text("tenant_id").optional_computed().force_new(),
    ],
    timeouts: Timeouts::DELETE,
    status: Status::NONE,
    retry_delete: &[],
    slow_delete: false,
    marker: MarkerField::None,
    tags: false,
    marks: Marks {
        turns: &["security_group_id"],
        quota: Some("security_group_rule"),
        touches: &[(Service::Network, "security-groups")],
        ..Marks::NONE
    },
    hooks: &RuleHooks,
};

struct RuleHooks;

impl Hooks for RuleHooks {
    fn validate(&self, config: &Value, diagnostics: &mut Diagnostics) {
        let mut wrong = |name: &str, summary: String| {
            diagnostics.push(Diagnostic::error(codes::INVALID, summary).path(AttrPath::attr(name)));
        };
        if let Some(protocol) =
            config.text("protocol").filter(|protocol| number(protocol).is_none())
        {
            wrong(
                "protocol",
                format!("unknown protocol {protocol:?}: give a name such as tcp, or 0 to 255"),
            );
        }
        for name in ["port_range_min", "port_range_max"] {
            if let Some(port) = config.int(name).filter(|port| !(0..=65_535).contains(port)) {
                wrong(name, format!("expected {name} to be in the range (0 - 65535), got {port}"));
            }
        }
        if let Some(prefix) =
            config.text("remote_ip_prefix").filter(|prefix| network_of(prefix).is_none())
        {
            wrong("remote_ip_prefix", format!("{prefix:?} is not a network such as 0.0.0.0/0"));
        }
        let remotes = ["remote_address_group_id", "remote_group_id", "remote_ip_prefix"];
        let given: Vec<&str> =
            remotes.into_iter().filter(|name| config.text(name).is_some()).collect();
        if let [first, second, ..] = given.as_slice() {
            diagnostics.push(
                Diagnostic::error(codes::CONFLICT, "Conflicting configuration arguments")
                    .detail(format!("{first:?}: conflicts with {second}"))
                    .path(AttrPath::attr(first)),
            );
        }
    }

    fn help(&self, error: &ApiError) -> Option<String> {
        let message = error.message();
        if error.status() != Some(409) || !message.contains("already exists") {
            return None;
        }
        let id = message.rsplit("Rule id is ").next().filter(|_| message.contains("Rule id is "));
        let id = id.map(|id| id.trim_end_matches('.').trim());
        Some(match id {
            Some(id) => format!("the group has this rule already: adopt it with `import ADDRESS {id}`, or remove the resource"),
            None => "the group has this rule already (every group starts with two egress rules): import it, or remove the resource".into(),
        })
    }
}

/// Returns a protocol's number; `None` where it is neither a name nor a number.
fn number(protocol: &str) -> Option<String> {
    let known = PROTOCOLS.iter().find(|(name, _)| name.eq_ignore_ascii_case(protocol));
    known
        .map(|(_, number)| (*number).to_owned())
        .or_else(|| Some(protocol.parse::<u8>().ok()?.to_string()))
}

fn same_protocol(a: &str, b: &str) -> bool {
    number(a).is_some_and(|number_a| Some(number_a) == number(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_protocol_is_its_number() {
        assert!(
            same_protocol("tcp", "6")
                && same_protocol("TCP", "tcp")
                && same_protocol("icmpv6", "ipv6-icmp")
        );
        assert!(!same_protocol("tcp", "udp") && !same_protocol("nonsense", "nonsense"));
    }
}
