//! What is the provider's own.

/// What a provider keeps beside a resource's values, opaque to the engine (`private` in state v4).
pub type Private = Option<std::sync::Arc<[u8]>>;
