//! Nova: servers, key pairs, flavors, attached volumes.

mod flavor;
mod instance;
mod keypair;
mod volume_attach;

pub(crate) use flavor::FLAVOR_DATA;
pub(crate) use instance::INSTANCE;
pub(crate) use keypair::{KEYPAIR, KEYPAIR_DATA};
pub(crate) use volume_attach::VOLUME_ATTACH;
