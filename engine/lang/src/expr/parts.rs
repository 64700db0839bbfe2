//! The parts of the objects that the language itself provides: `each`, `path`, `terraform`.

/// Part of `each`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EachPart {
    /// `each.key`
    Key,
    /// `each.value`
    Value,
}

/// Part of `path`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PathPart {
    /// `path.module`
    Module,
    /// `path.root`
    Root,
    /// `path.cwd`
    Cwd,
}

/// Part of `terraform`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TerraformPart {
    /// `terraform.workspace`
    Workspace,
    /// `terraform.applying`
    Applying,
}
