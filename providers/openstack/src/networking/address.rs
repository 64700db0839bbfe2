//! Network addresses, as far as plans need them.

use std::net::IpAddr;

/// Splits `10.0.0.0/24`; `None` where it is not an address with a prefix length.
fn parse(cidr: &str) -> Option<(IpAddr, u32)> {
    let (address, length) = cidr.split_once('/')?;
    let address: IpAddr = address.parse().ok()?;
    let length: u32 = length.parse().ok()?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    (length <= most).then_some((address, length))
}

/// Returns the address of the network that a CIDR lies in, `10.0.0.0/24` for `10.0.0.1/24`.
pub(super) fn network_of(cidr: &str) -> Option<String> {
    let (address, length) = parse(cidr)?;
    let network = match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
            IpAddr::V4((u32::from(v4) & mask).into())
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(128 - length).unwrap_or(0);
            IpAddr::V6((u128::from(v6) & mask).into())
        }
    };
    Some(format!("{network}/{length}"))
}

/// Returns whether an address lies in a network.
pub(super) fn contains(cidr: &str, address: &str) -> bool {
    let Some((_, length)) = parse(cidr) else { return false };
    network_of(cidr) == network_of(&format!("{address}/{length}"))
}

/// Returns whether two CIDRs are the same network.
pub(super) fn same_network(a: &str, b: &str) -> bool {
    network_of(a).is_some_and(|network| Some(network) == network_of(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_its_own_first_address() {
        for (cidr, expected) in [
            ("10.0.0.1/24", Some("10.0.0.0/24")),
            ("192.168.1.0/24", Some("192.168.1.0/24")),
            ("0.0.0.0/0", Some("0.0.0.0/0")),
            ("10.1.2.3/32", Some("10.1.2.3/32")),
            ("2001:DB8::1/64", Some("2001:db8::/64")),
            ("10.0.0.0/33", None),
            ("10.0.0.0", None),
        ] {
            assert_eq!(network_of(cidr).as_deref(), expected, "{cidr}");
        }
        assert!(contains("10.0.0.0/24", "10.0.0.77") && !contains("10.0.0.0/24", "10.0.1.1"));
        assert!(same_network("2001:db8::/64", "2001:DB8:0::/64"));
    }
}
