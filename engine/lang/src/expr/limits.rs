//! What one evaluation may cost, so that a slip in an expression doesn't eat the machine.

/// What one value may hold, and how often one expression may go round. Each can be raised by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// `value_parts`: parts of one value, their parts included.
    pub value_parts: u32,
    /// `text_bytes`: bytes of one string, and of a file that is read as one.
    pub text_bytes: usize,
    /// `rounds`: rounds of a `for` with all that it stands in: two of 1,000 in each other make 1,000,000.
    pub rounds: u64,
    /// `instances`: instances of one block, in all instances of the modules around it.
    pub instances: usize,
}

impl Default for Limits {
    fn default() -> Self {
        // Far beyond what configurations need; values stay within 512 MiB.
        Self {
            value_parts: 4_000_000,
            text_bytes: 32 << 20,
            rounds: 10_000_000,
            instances: 1_000_000,
        }
    }
}

/// The environment variable that raises limits, as messages name it. Only the command line reads it.
pub const LIMITS_VARIABLE: &str = "TERRARIUM_LIMITS";

impl Limits {
    /// Says that a block would have more instances than allowed, where it would.
    pub fn check_instances(&self, instances: usize) -> Result<(), String> {
        if instances <= self.instances {
            return Ok(());
        }
        Err(format!(
            "there would be more than {} instances of this block; {}",
            self.instances,
            raise("instances")
        ))
    }

    /// Says that a text would be longer than allowed, where it would be.
    pub(crate) fn check_text(&self, bytes: usize) -> Result<(), String> {
        if bytes <= self.text_bytes {
            return Ok(());
        }
        Err(format!(
            "the text would be longer than {} bytes; {}",
            self.text_bytes,
            raise("text_bytes")
        ))
    }

    /// Says that a collection would have more parts than allowed, where it would.
    pub(crate) fn check_parts(&self, parts: usize) -> Result<(), String> {
        if parts <= self.value_parts as usize {
            return Ok(());
        }
        Err(format!(
            "the value would have more than {} parts; {}",
            self.value_parts,
            raise("value_parts")
        ))
    }
}

/// Returns how a limit is raised.
pub(super) fn raise(name: &str) -> String {
    format!("the limit is raised by setting {LIMITS_VARIABLE}={name}=NUMBER in the environment")
}
