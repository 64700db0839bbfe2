//! Cinder: volumes.

mod volume;

pub(crate) use volume::VOLUME;
