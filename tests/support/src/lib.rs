//! What the suites share: copies of examples to work in, and the built binary.

mod binary;
mod server;
mod workdir;

pub use binary::{Run, Terrarium, binary};
pub use server::Server;
pub use workdir::{Workdir, repository};
