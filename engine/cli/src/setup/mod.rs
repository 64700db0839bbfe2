//! Wires what a command needs: configuration, variables, state, providers, testbed, clock.

pub(crate) mod backend;
pub(crate) mod clock;
pub(crate) mod config;
pub(crate) mod environment;
pub(crate) mod log;
pub(crate) mod lowering;
pub(crate) mod overdue;
pub(crate) mod providers;
pub(crate) mod session;
pub(crate) mod store;
pub(crate) mod testbed;
pub(crate) mod validation;
pub(crate) mod variables;
pub(crate) mod workspace;
pub(crate) mod worlds;
