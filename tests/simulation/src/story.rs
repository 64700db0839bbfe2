//! What happened, in order: told where a seed fails, and hashed so that two runs can be compared.

/// The events of a world, one a line.
#[derive(Clone, Debug, Default)]
pub(crate) struct Story {
    lines: Vec<String>,
    hasher: blake3::Hasher,
    forgets: bool,
}

impl Story {
    /// Adds a line.
    pub(crate) fn tell(&mut self, line: String) {
        self.hasher.update(line.as_bytes());
        self.hasher.update(b"\n");
        if !self.forgets {
            self.lines.push(line);
        }
    }

    /// Keeps no more lines: a story of weeks is longer than anybody reads.
    pub(crate) fn forget(&mut self) {
        self.forgets = true;
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
