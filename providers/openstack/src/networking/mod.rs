//! Neutron: networks, subnets, ports, routers, floating IPs, security groups.

mod address;
mod association;
mod floatingip;
mod floatingip_associate;
mod network;
mod port;
mod readdress;
mod router;
mod router_interface;
mod secgroup;
mod secgroup_rule;
mod server_floatingip;
mod subnet;

pub(crate) use floatingip::{COMPUTE_FLOATINGIP, FLOATINGIP, FLOATINGIP_DATA};
pub(crate) use floatingip_associate::FLOATINGIP_ASSOCIATE;
pub(crate) use network::{NETWORK, NETWORK_DATA};
pub(crate) use port::{PORT, PORT_DATA};
pub(crate) use readdress::check_addresses;
pub(crate) use router::{ROUTER, ROUTER_DATA};
pub(crate) use router_interface::ROUTER_INTERFACE;
pub(crate) use secgroup::{SECGROUP, SECGROUP_DATA};
pub(crate) use secgroup_rule::SECGROUP_RULE;
pub(crate) use server_floatingip::SERVER_FLOATINGIP;
pub(crate) use subnet::{SUBNET, SUBNET_DATA};

use serde_json::Value as Json;

use crate::client::{ApiError, Failure};

/// Returns whether a subnet had no address left, so that another one may be tried.
fn is_exhausted(failure: &Failure) -> bool {
    let Failure::Refused(error) = failure else { return false };
    let message = error.message();
    match error.status() {
        Some(404) => true,
        Some(409) => {
            message.contains("No more IP addresses") || message.contains("IpAddressGeneration")
        }
        Some(400) => {
            message.contains("No more IP addresses")
                || message.contains("ExternalIpAddressExhausted")
        }
        _ => false,
    }
}

/// Returns whether a floating IP can't reach its port yet: the router's interface is still missing.
fn is_unreachable(error: &ApiError) -> bool {
    error.is_not_found() && error.message().contains("not reachable from subnet")
}

/// Returns the addresses in `fixed_ips`, in the service's order.
fn addresses(object: &Json) -> Vec<&str> {
    let fixed = crate::look::elements(object, "fixed_ips");
    fixed.iter().map(|one| crate::look::field(one, "ip_address")).collect()
}
