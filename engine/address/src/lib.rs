//! Names of things: module paths, resource addresses, instance keys, attribute paths.
//!
//! Every name has one way in (`FromStr`, with an error that says where) and one way out (`Display`,
//! Terraform's own spelling); the two are inverse. Text is shared (`Arc<str>`), so names are cheap
//! to clone.

mod key;
mod module;
mod names;
mod parse;
mod path;
mod resource;

pub use key::{InstanceKey, quote};
pub use module::{ModuleCallStep, ModulePath};
pub use names::{Name, intern};
pub use parse::AddressError;
pub use path::{AttrPath, PathStep};
pub use resource::{ConfigAddr, Mode, ResourceAddr, Target};
