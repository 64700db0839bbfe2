//! What happened, in order: told where a seed fails, and hashed so that two runs can be compared.

/// The events of a world, one a line.
#[derive(Clone, Debug, Default)]
pub(crate) struct Story {
    lines: Vec<String>,
    hasher: blake3::Hasher,
}

impl Story {
    /// Adds a line.
    pub(crate) fn tell(&mut self, line: String) {
        self.hasher.update(line.as_bytes());
        self.hasher.update(b"\n");
        self.lines.push(line);
    }

    /// Returns all of it.
    pub(crate) fn text(&self) -> String {
        self.lines.join("\n")
    }

    /// Returns the hash of all of it.
    pub(crate) fn trace(&self) -> String {
        self.hasher.finalize().to_hex().chars().take(16).collect()
    }
}
