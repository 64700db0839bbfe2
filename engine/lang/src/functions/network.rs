//! Addresses and prefixes of IPv4 and IPv6.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use terrarium_value::{Number, Type, Value};

use super::{Args, Function, Refusal, STRING, STRINGS, function, number, string};

pub(super) const FUNCTIONS: &[Function] = &[
    function("cidrhost", &[string("prefix"), number("hostnum")], STRING, cidrhost,
        "Returns the address with the number `hostnum` in the network `prefix`; a negative one counts from the end."),
    function("cidrnetmask", &[string("prefix")], STRING, cidrnetmask,
        "Returns the netmask of the IPv4 network `prefix`."),
    function("cidrsubnet", &[string("prefix"), number("newbits"), number("netnum")], STRING, cidrsubnet,
        "Returns the subnet with the number `netnum` of the network `prefix`, whose prefix is longer by `newbits`."),
    function("cidrsubnets", &[string("prefix")], STRINGS, cidrsubnets,
        "Returns consecutive subnets of the network `prefix`, each with a prefix longer by one of the `newbits`.")
        .variadic(number("newbits")),
];

/// A network: its first address as a number, the length of its prefix, the bits of its addresses.
#[derive(Clone, Copy)]
struct Network {
    base: u128,
    length: u32,
    bits: u32,
}

impl Network {
    fn parse(text: &str) -> Result<Self, Refusal> {
        let invalid =
            || Refusal::call(format!("invalid CIDR expression: invalid CIDR address: {text}"));
        let (addr, length) = text.split_once('/').ok_or_else(invalid)?;
        let all_digits = !length.is_empty()
            && length.len() <= 3
            && length.bytes().all(|byte| byte.is_ascii_digit());
        let length: u32 = length.parse().ok().filter(|_| all_digits).ok_or_else(invalid)?;
        let (base, bits) = match parse_addr(addr).ok_or_else(invalid)? {
            IpAddr::V4(addr) => (u128::from(u32::from(addr)), 32),
            IpAddr::V6(addr) => (u128::from(addr), 128),
        };
        if length > bits {
            return Err(invalid());
        }
        let network = Self { base, length, bits };
        Ok(Self { base: base & network.mask(), ..network })
    }

    fn all(self) -> u128 {
        if self.bits == 32 { u128::from(u32::MAX) } else { u128::MAX }
    }

    fn host_bits(self) -> u32 {
        self.bits - self.length
    }

    fn mask(self) -> u128 {
        self.all() & !low_bits(self.host_bits())
    }

    fn addr(self, value: u128) -> IpAddr {
        match u32::try_from(value & self.all()) {
            Ok(small) if self.bits == 32 => IpAddr::V4(Ipv4Addr::from(small)),
            _ => IpAddr::V6(Ipv6Addr::from(value & self.all())),
        }
    }

    fn show(self, value: u128) -> String {
        match self.addr(value) {
            IpAddr::V4(addr) => addr.to_string(),
            IpAddr::V6(addr) => ipv6_text(addr),
        }
    }
}

/// Leading zeros were allowed before Go 1.17, and Terraform reads them still, as decimal.
fn parse_addr(text: &str) -> Option<IpAddr> {
    if let Ok(addr) = text.parse() {
        return Some(addr);
    }
    let mut octets = [0_u8; 4];
    let mut parts = text.split('.');
    for octet in &mut octets {
        let part = parts.next()?;
        if part.is_empty() || !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        *octet = part
            .trim_start_matches('0')
            .parse()
            .ok()
            .or_else(|| part.bytes().all(|b| b == b'0').then_some(0))?;
    }
    parts.next().is_none().then(|| IpAddr::V4(Ipv4Addr::from(octets)))
}

/// As Go prints it: mapped IPv4 addresses in dotted form alone, everything else as usual.
fn ipv6_text(addr: Ipv6Addr) -> String {
    addr.to_ipv4_mapped().map_or_else(|| addr.to_string(), |mapped| mapped.to_string())
}

fn low_bits(count: u32) -> u128 {
    1_u128.checked_shl(count).map_or(u128::MAX, |bit| bit - 1)
}

/// A whole number of any size; the subnet and host numbers of IPv6 don't fit into 64 bits.
fn whole(args: &Args<'_>, at: usize) -> Result<(bool, u128), Refusal> {
    let number = args.number(at);
    let not_whole = || Refusal::call("value must be a whole number");
    if !number.is_integer() {
        return Err(not_whole());
    }
    let text = number.abs().to_string();
    Ok((number < Number::from(0), text.parse().map_err(|_| not_whole())?))
}

fn cidrhost(args: &Args<'_>) -> Result<Value, Refusal> {
    let network = Network::parse(args.str(0))?;
    let (negative, number) = whole(args, 1)?;
    let room = low_bits(network.host_bits());
    // From the end: -1 is the last address.
    let host = if negative {
        number.checked_sub(1).map(|back| room.wrapping_sub(back))
    } else {
        Some(number)
    };
    let fits = if negative {
        number.checked_sub(1).is_some_and(|back| back <= room)
    } else {
        number <= room
    };
    let host = host.filter(|_| fits).ok_or_else(|| {
        let sign = if negative { "-" } else { "" };
        Refusal::call(format!(
            "prefix of {} does not accommodate a host numbered {sign}{number}",
            network.length
        ))
    })?;
    Ok(Value::string(network.show(network.base | host)))
}

fn cidrnetmask(args: &Args<'_>) -> Result<Value, Refusal> {
    let network = Network::parse(args.str(0))?;
    if network.bits != 32 {
        return Err(Refusal::call(format!(
            "IPv6 addresses cannot have a netmask: {}",
            args.str(0)
        )));
    }
    Ok(Value::string(network.show(network.mask())))
}

fn subnet_length(network: Network, newbits: i64) -> Result<u32, Refusal> {
    let longer = i64::from(network.length)
        .checked_add(newbits)
        .and_then(|length| u32::try_from(length).ok());
    longer.filter(|length| *length <= network.bits).ok_or_else(|| {
        Refusal::call(format!(
            "insufficient address space to extend prefix of {} by {newbits}",
            network.length
        ))
    })
}

fn cidrsubnet(args: &Args<'_>) -> Result<Value, Refusal> {
    let network = Network::parse(args.str(0))?;
    let newbits = args.whole(1)?;
    let (negative, number) = whole(args, 2)?;
    let length = subnet_length(network, newbits)?;
    let room = low_bits(u32::try_from(newbits).unwrap_or(0));
    if number > room {
        let sign = if negative { "-" } else { "" };
        let why = format!(
            "prefix extension of {newbits} does not accommodate a subnet numbered {sign}{number}"
        );
        return Err(Refusal::call(why));
    }
    // A shorter prefix keeps the address that the longer one had, as Terraform does.
    let subnet = Network { length, ..network };
    let offset = number.checked_shl(subnet.host_bits()).unwrap_or(0);
    // A negative number is one in two's complement, of which Terraform shows the absolute value.
    let first = if negative {
        (network.base | offset.wrapping_neg()).wrapping_neg()
    } else {
        network.base | offset
    };
    Ok(Value::string(format!("{}/{length}", network.show(first))))
}

fn cidrsubnets(args: &Args<'_>) -> Result<Value, Refusal> {
    let network = Network::parse(args.str(0))?;
    let family = if network.bits == 32 { "IPv4" } else { "IPv6" };
    let mut next = network.base;
    let mut subnets = Vec::with_capacity(args.len());
    for at in 1..args.len() {
        let newbits = args.whole(at)?;
        if newbits < 1 {
            return Err(Refusal::argument(at, "must extend prefix by at least one bit"));
        }
        if newbits > 32 {
            return Err(Refusal::argument(at, "may not extend prefix by more than 32 bits"));
        }
        let length = i64::from(network.length) + newbits;
        let Some(length) = u32::try_from(length).ok().filter(|length| *length <= network.bits)
        else {
            let why = format!(
                "would extend prefix to {length} bits, which is too long for an {family} address"
            );
            return Err(Refusal::argument(at, why));
        };
        let size = 1_u128.checked_shl(network.bits - length).unwrap_or(0);
        // The next multiple of the subnet's size.
        let aligned = next.checked_add(size - 1).map(|end| end & !(size - 1));
        let start = aligned
            .filter(|start| start & network.mask() == network.base && *start <= network.all());
        let start = start.ok_or_else(|| {
            let why = format!(
                "not enough remaining address space for a subnet with a prefix of {length} bits after {}",
                subnets.last().and_then(Value::as_str).unwrap_or_default()
            );
            Refusal::argument(at, why)
        })?;
        subnets.push(Value::string(format!("{}/{length}", network.show(start))));
        next = start.wrapping_add(size);
    }
    Ok(Value::list(Type::String, subnets))
}
