//! Flags of Terraform that Terrarium refuses by name: a flag that is taken without a word would choose nothing.

/// The value of a refused flag. There is none, so nobody can forget to look at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {}

/// Begins the reason of a refusal.
pub(super) const NOT_SUPPORTED: &str = "not supported: ";

macro_rules! refusals {
    ($($name:ident = $why:expr;)*) => {
        $(#[doc = concat!("Refuses a flag: ", $why)]
        pub(crate) fn $name(_value: &str) -> Result<Refused, String> {
            Err(format!("{NOT_SUPPORTED}{}", $why))
        })*
    };
}

refusals! {
    state = "the state of this directory is kept in terrarium.db, or beside the `path` of its `backend \"local\"` \
             block. For a second environment use a workspace (`terrarium workspace new NAME`) or a directory of its \
             own; to take over a state file of Terraform, `terrarium state push FILE`";
    state_out = "a state is written where it is read, in one step with the journal. For a copy in Terraform's format \
                 run `terrarium state pull > FILE`";
    backend_config = "write the arguments into the `backend \"local\"` block; for a second environment use a \
                      workspace (`terrarium workspace new NAME`) or a directory of its own";
    plugin_dir = "all providers are built in, and none is loaded from a directory";
    from_module = "copy the module's files here by other means, such as `git clone` or `cp -r`, and run \
                   `terrarium init`";
    generate_config_out = "no configuration is generated. Write the `resource` block that the `import` block names; \
                           `terrarium plan` then says where it differs from the object";
    graph_plan = "the graph is that of the configuration. `terrarium timeline FILE` draws a saved plan";
    import_config = "the configuration is that of the root module; for another one use -chdir=DIR";
    import_provider = "the provider is that of the resource block, by its `provider` argument";
    console_plan = "expressions are evaluated with the values of the state. `terrarium plan` shows planned values";
}

/// Takes `-backup=-`, by which scripts ask for no backup file; any other file is refused.
pub(crate) fn backup(value: &str) -> Result<String, String> {
    if value == "-" {
        return Ok(value.to_owned());
    }
    Err(format!(
        "{NOT_SUPPORTED}no backup file is written, since every change keeps its history. For a copy in Terraform's \
         format run `terrarium state pull > FILE`"
    ))
}

/// Takes `-get=true`.
pub(crate) fn get(value: &str) -> Result<String, String> {
    if value == "true" {
        return Ok(value.to_owned());
    }
    Err(format!(
        "{NOT_SUPPORTED}modules are read where they are, at every command, and none is downloaded that could be left out"
    ))
}
