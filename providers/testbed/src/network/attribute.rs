//! What a collection's attributes may be, on create and on update.

use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::Value;
use uuid::Uuid;

use super::bad;
use crate::{
    json::{Body, as_flag, as_number},
    reply::{Outcome, refuse},
};

/// One attribute of a collection's objects that clients may send.
pub(super) struct Attribute {
    pub(super) name: &'static str,
    pub(super) create: Create,
    /// Whether an update may change it.
    pub(super) update: bool,
    pub(super) check: Check,
}

/// How an attribute stands at creation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Create {
    Required,
    Optional,
}

/// What an attribute's value must be; the API's own conversions are done with the check.
#[derive(Clone, Copy)]
pub(super) enum Check {
    Any,
    /// A text of at most so many bytes.
    Text(usize),
    Flag,
    Number,
    /// A number that is not negative.
    Size,
    /// 4 or 6.
    IpVersion,
    /// `ingress` or `egress`.
    Direction,
    /// A domain with its last dot, or nothing.
    Domain,
    /// A hardware address.
    Mac,
    /// Places of `fixed_ips`.
    Places,
    Id,
    /// An id or null.
    IdOrNull,
    /// A list of distinct ids.
    Ids,
    Cidr,
    /// An IP address or null.
    AddressOrNull,
    /// A list of distinct name servers.
    Nameservers,
    List,
}

/// Longest name and description that Neutron's columns hold.
pub(super) const LONG: usize = 255;

const fn attribute(name: &'static str, create: Create, update: bool, check: Check) -> Attribute {
    Attribute { name, create, update, check }
}

/// An attribute that must be sent at creation and then stays.
pub(super) const fn required(name: &'static str, check: Check) -> Attribute {
    attribute(name, Create::Required, false, check)
}

/// An attribute that may be sent at creation and then stays.
pub(super) const fn fixed(name: &'static str, check: Check) -> Attribute {
    attribute(name, Create::Optional, false, check)
}

/// An attribute that may be sent at any time.
pub(super) const fn free(name: &'static str, check: Check) -> Attribute {
    attribute(name, Create::Optional, true, check)
}

/// Attributes that every collection has.
const STANDARD: &[Attribute] = &[
    free("description", Check::Text(LONG)),
    fixed("tenant_id", Check::Text(LONG)),
    fixed("project_id", Check::Text(LONG)),
    fixed("tags", Check::List),
];

/// Attributes that services alone set: a change of them is refused by name.
const READ_ONLY: &[&str] = &["id", "status", "created_at", "updated_at", "revision_number"];

/// Checks what a client sent to create an object, and converts it.
pub(super) fn for_create(attributes: &[Attribute], given: &Body) -> Outcome<Body> {
    for attribute in attributes {
        if attribute.create == Create::Required && !given.contains_key(attribute.name) {
            return Err(bad(format!(
                "Failed to parse request. Required attribute '{}' not specified",
                attribute.name
            )));
        }
    }
    convert(attributes, given, |_| Ok(()))
}

/// Checks what a client sent to change an object, and converts it.
pub(super) fn for_update(attributes: &[Attribute], given: &Body) -> Outcome<Body> {
    let refused = |name: &str| bad(format!("Cannot update read-only attribute {name}"));
    if let Some(name) = given.keys().find(|name| READ_ONLY.contains(&name.as_str())) {
        return Err(refused(name));
    }
    convert(
        attributes,
        given,
        |attribute| {
            if attribute.update { Ok(()) } else { Err(refused(attribute.name)) }
        },
    )
}

fn convert(
    attributes: &[Attribute],
    given: &Body,
    allowed: impl Fn(&Attribute) -> Outcome<()>,
) -> Outcome<Body> {
    let mut converted = Body::new();
    let mut unknown = Vec::new();
    for (name, value) in given {
        let known = attributes.iter().chain(STANDARD).find(|known| known.name == name);
        let Some(known) = known else {
            unknown.push(name.as_str());
            continue;
        };
        allowed(known)?;
        converted.insert(name.clone(), known.check.convert(name, value)?);
    }
    if unknown.is_empty() {
        Ok(converted)
    } else {
        Err(bad(format!("Unrecognized attribute(s) '{}'", unknown.join(", "))))
    }
}

impl Check {
    fn convert(self, name: &str, value: &Value) -> Outcome<Value> {
        match self.apply(value) {
            Ok(value) => Ok(value),
            // Neutron converts these before it validates, with an error of another kind.
            Err(reason) if matches!(self, Check::Flag | Check::Cidr) => {
                Err(refuse(400, "InvalidInput", format!("Invalid input for operation: {reason}")))
            }
            Err(reason) => Err(bad(format!("Invalid input for {name}. Reason: {reason}"))),
        }
    }

    fn apply(self, value: &Value) -> Result<Value, String> {
        let shown = show(value);
        match self {
            Check::Any => Ok(value.clone()),
            Check::Text(most) => match value {
                Value::String(text) if text.len() <= most => Ok(value.clone()),
                Value::String(_) => Err(format!("{shown} exceeds maximum length of {most}.")),
                Value::Null => Ok(Value::String(String::new())),
                _ => Err(format!("{shown} is not a valid string.")),
            },
            Check::Flag => as_flag(value)
                .map(Value::Bool)
                .ok_or_else(|| format!("{shown} cannot be converted to boolean.")),
            Check::Number => match as_number(value) {
                Some(number) => Ok(number.into()),
                None if value.is_null() => Ok(Value::Null),
                None => Err(format!("{shown} is not an integer.")),
            },
            Check::Size => match as_number(value) {
                Some(number) if number >= 0 => Ok(number.into()),
                Some(number) => Err(format!("'{number}' should be non-negative.")),
                None => Err(format!("{shown} is not an integer.")),
            },
            Check::IpVersion => match as_number(value) {
                Some(number @ (4 | 6)) => Ok(number.into()),
                Some(number) => Err(format!("{number} is not in valid_values.")),
                None => Err(format!("{shown} is not an integer.")),
            },
            Check::Direction => match value.as_str().map(str::to_lowercase) {
                Some(text) if text == "ingress" || text == "egress" => Ok(text.into()),
                Some(text) => Err(format!("{text} is not in valid_values.")),
                None => Err(format!("{shown} is not a valid string.")),
            },
            Check::Domain => match value.as_str() {
                Some(text) if text.is_empty() || text.ends_with('.') => Ok(value.clone()),
                _ => Err(format!("{shown} is not a FQDN.")),
            },
            Check::Mac => match value.as_str().map(str::to_lowercase) {
                Some(text) if is_mac(&text) => Ok(text.into()),
                _ => Err(format!("{shown} is not a valid MAC address.")),
            },
            Check::Places => places(value),
            Check::Id => id(value),
            Check::IdOrNull => match value {
                Value::Null => Ok(Value::Null),
                Value::String(text) if text.is_empty() => Ok(Value::Null),
                _ => id(value),
            },
            Check::Ids => elements(value, id, "Duplicate items in the list: "),
            Check::Cidr => cidr(value),
            Check::AddressOrNull if value.is_null() => Ok(Value::Null),
            Check::AddressOrNull => address(value),
            Check::Nameservers => elements(value, nameserver, "Duplicate nameserver "),
            Check::List => match value {
                Value::Array(_) => Ok(value.clone()),
                Value::Null => Ok(Value::Array(Vec::new())),
                _ => Err(format!("{shown} is not a list.")),
            },
        }
    }
}

/// Returns a value as Python would show it in a message.
fn show(value: &Value) -> String {
    match value {
        Value::String(text) => format!("'{text}'"),
        Value::Null => "None".to_owned(),
        other => format!("'{other}'"),
    }
}

fn id(value: &Value) -> Result<Value, String> {
    let valid = value.as_str().is_some_and(|text| Uuid::try_parse(text).is_ok());
    if valid { Ok(value.clone()) } else { Err(format!("{} is not a valid UUID.", show(value))) }
}

fn address(value: &Value) -> Result<Value, String> {
    let parsed = value.as_str().and_then(|text| text.parse::<IpAddr>().ok());
    parsed
        .map(|address| Value::String(address.to_string()))
        .ok_or_else(|| format!("{} is not a valid IP address.", show(value)))
}

fn cidr(value: &Value) -> Result<Value, String> {
    let text = value.as_str().unwrap_or_default();
    let Ok(net) = text.parse::<IpNet>() else {
        return Err(format!("{text} is not in a CIDR format."));
    };
    Ok(Value::String(net.trunc().to_string()))
}

fn is_mac(text: &str) -> bool {
    let byte = |part: &str| part.len() == 2 && u8::from_str_radix(part, 16).is_ok();
    text.split(':').count() == 6 && text.split(':').all(byte)
}

fn nameserver(value: &Value) -> Result<Value, String> {
    address(value).map_err(|reason| format!("{} is not a valid nameserver. {reason}", show(value)))
}

/// Checks the addresses and subnets that a port asks for.
fn places(value: &Value) -> Result<Value, String> {
    let list = match value {
        Value::Null => return Ok(Value::Array(Vec::new())),
        Value::Array(list) => list,
        _ => return Err(format!("{} is not a list.", show(value))),
    };
    for place in list {
        if let Some(asked) = place.get("ip_address").filter(|asked| !asked.is_null()) {
            address(asked)?;
        }
        if let Some(subnet) = place.get("subnet_id").filter(|subnet| !subnet.is_null()) {
            id(subnet)?;
        }
    }
    Ok(value.clone())
}

fn elements(
    value: &Value,
    check: impl Fn(&Value) -> Result<Value, String>,
    twice: &str,
) -> Result<Value, String> {
    let list = match value {
        Value::Null => return Ok(Value::Array(Vec::new())),
        Value::Array(list) => list,
        _ => return Err(format!("{} is not a list.", show(value))),
    };
    let mut checked: Vec<Value> = Vec::new();
    for element in list {
        let element = check(element)?;
        if checked.contains(&element) {
            return Err(format!("{twice}{}.", show(&element)));
        }
        checked.push(element);
    }
    Ok(Value::Array(checked))
}
