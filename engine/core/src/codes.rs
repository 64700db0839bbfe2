//! The diagnostic codes of this crate: T04xx planning, T05xx apply and recovery.

use terrarium_diagnostic::{Code, CodeRow};

macro_rules! codes {
    ($($name:ident = $code:literal, $title:literal, $explanation:literal;)*) => {
        $(#[doc = $title] pub(crate) const $name: Code = Code($code);)*
        /// The rows of `terrarium explain`.
        pub const CODES: &[CodeRow] = &[$(CodeRow { code: $name, title: $title, explanation: $explanation }),*];
    };
}

codes! {
    REFERENCE = "T0401", "a reference names nothing that is declared",
        "An expression refers to an object that its module does not declare, or to an instance that does not exist. \
         Names are looked up in the module that the expression stands in: pass a value through a variable or an output.";
    CYCLE = "T0402", "objects wait for each other",
        "Each of the named objects needs a value of the next one, and the last one of the first, so that none can be \
         the first. Break the circle: often a security group's rules, or an attachment, should be a resource of its own.";
    INVALID_COUNT = "T0403", "`count` is no usable number",
        "`count` must be a whole number from 0 that is known when the plan is made.";
    INVALID_FOR_EACH = "T0404", "`for_each` is no usable map or set of strings",
        "`for_each` must be a map, an object or a set of strings. Its keys must be known when the plan is made, and may \
         not be sensitive, since they become part of addresses.";
    MISSING_VARIABLE = "T0405", "a required variable has no value",
        "Give it with `-var`, a `.tfvars` file or the environment variable `TF_VAR_name`, or give the variable a default.";
    INVALID_VARIABLE = "T0406", "a value is not allowed for a variable",
        "The value does not fit the variable's type, or one of its `validation` blocks refuses it.";
    CONDITION = "T0407", "a condition does not hold",
        "A `precondition`, `postcondition` or `check` failed. Its message says what must be true.";
    UNKNOWN_PROVIDER = "T0408", "no such provider is built in",
        "Terrarium brings its providers along; it installs none. The message lists those that exist.";
    PROVIDER_VERSION = "T0409", "no built-in version satisfies the constraint",
        "The built-in provider stands for a range of versions of the original; widen the constraint.";
    UNKNOWN_KIND = "T0410", "the provider has no such resource type or data source",
        "The type's name is misspelt, or belongs to another provider, or is not implemented yet.";
    PREVENT_DESTROY = "T0411", "the plan would destroy what must not be destroyed",
        "`lifecycle { prevent_destroy = true }` protects the object. Remove it, or keep the object out of the plan.";
    PROVIDER_CONFIG = "T0412", "a provider configuration is missing or wrong",
        "Every resource needs a configuration of its provider: the default one, or the alias it names.";
    BAD_OBJECT = "T0413", "a recorded object can't be read",
        "The state holds values that do not fit the schema of the resource type.";
    PROVISIONER = "T0414", "provisioners are not carried out yet",
        "Use `user_data`, or an image that brings what is needed.";
    PROVIDER_BUG = "T0415", "a provider answered against its contract",
        "This is a bug in the provider. Please report it with the message.";
    EPHEMERAL = "T0443", "an ephemeral value would be kept",
        "What is ephemeral exists during one command only: it may configure providers and go through locals, ephemeral \
         variables and ephemeral outputs of modules. It can't stand in a resource's arguments, in an ordinary output, or \
         in `count` and `for_each`. `ephemeralasnull` makes null of it.";
    SCHEMAS = "T0441", "a provider's schemas can't be loaded",
        "A provider is asked for its schemas before anything is planned, checked or shown. It answered with an error, or \
         not in time. Nothing was changed.";
    NO_ANSWER = "T0442", "a provider does not answer",
        "The engine waits for a provider only so long. A read or a plan without an answer ends the run; what \
         came of a change without an answer is looked for, by the run itself, then by the next command.";
    PLAN_STALE = "T0501", "the saved plan no longer fits",
        "State, configuration or variables changed after the plan was made, or an action of another run has no outcome: \
         the plan might do it once more. Make a new one.";
    PLAN_DAMAGED = "T0502", "the saved plan can't be read",
        "The file is no plan of this version, or was changed.";
    STORE_FAILED = "T0503", "the state could not be written",
        "What was done so far is recorded in the journal; the next command continues from there.";
    APPLY_FAILED = "T0504", "an action failed",
        "The service refused, or took too long. What depends on it was skipped; the rest was carried out.";
    DOUBTFUL = "T0505", "nobody knows whether an action was carried out",
        "A request was sent and no trustworthy answer came. The run itself looked for what came of it, until no request \
         can be on its way (a minute), and sent it once more; a run that is interrupted looks no further. The next \
         command looks what exists before it does anything.";
    REALM = "T0506", "the state belongs to another world",
        "A state is bound at its first apply to one testbed world, or to the real clouds. Use another workspace.";
    INCONSISTENT = "T0507", "the result is not what was planned",
        "A provider returned another value than it planned. This is a bug in the provider.";
    IMPORT = "T0508", "the object can't be imported",
        "The id names nothing, or the address is taken or not in the configuration.";
    RECOVERY = "T0509", "an interrupted run left something open",
        "An earlier run ended before it knew what became of an action. What was found is said in the message.";
    LANGUAGE_VERSION = "T0417", "the configuration asks for another version of the language",
        "`required_version` names versions of Terraform; the language implemented here is that of 1.11.4. The \
         constraint is a warning only: what is not known is an error where it stands.";
    DEFERRED = "T0418", "something can't be done in this apply",
        "`-no-defer` asks for a plan that can be carried out now and as a whole, as Terraform's. Without it the change \
         is scheduled for its time.";
    GAP = "T0419", "a replacement needs a gap",
        "The new object fits only on what the old one frees, so that the old one, and what sits on it, must go first. \
         Say `-allow-gap` to accept that.";
    OVERLAP = "T0420", "two objects hold the same thing at the same time",
        "A port, a volume or an address can be held by one object at a time; the windows of the two overlap. Give them \
         leases that follow each other, or a thing each.";
    ENDED = "T0421", "something is written from the values of something that ended",
        "What ended keeps its last values so that the configuration can be evaluated, but nothing is behind them any \
         more. Give the lease a new end date, or remove what reads it.";
    LENDER_GOES = "T0422", "an object sits on something that is removed",
        "The object names what a lease lends by its id, and the lease is no longer in the configuration. What sits on a \
         lease ends with it: remove both, keep both, or name another lease.";
    SENSITIVE_OUTPUT = "T0423", "a root output would show what is sensitive",
        "The value of an output of the root module contains a sensitive value. Mark the output `sensitive = true`, or \
         give out only a part of the value.";
    HELD = "T0424", "an object is to be removed while others hold it",
        "The object must be replaced, and its old self would go first. Others hold it by a reference (an address of a \
         subnet), the service refuses to remove what is held, and they let go only when the successor is there. \
         `create_before_destroy = true` in the object's `lifecycle` makes the successor first. The other way round, \
         a successor can't be made first where it would hold what only one may hold (a port, a volume) and its \
         predecessor still does.";
    TOO_EARLY = "T0425", "a lease ends too early",
        "What sits on a lease is there only as long as the lease. It waits for something until after that end, or it sits \
         on two leases that have no time in common: it would never be there. Give the lease a later end, let what is \
         waited for come before it, or use another lease.";
    WAITS_IN_A_CIRCLE = "T0426", "instances wait for each other",
        "Scarce things wait for those that they are for, and successors for their predecessors. Here each of them, planned \
         for its time, makes another one change its own, without end.";
    MOVED = "T0416", "a `moved` block can't be followed",
        "Both addresses hold an object, or the blocks move one object to two places.";
}

#[cfg(test)]
mod tests {
    #[test]
    fn codes_are_unique() {
        let mut codes: Vec<_> = super::CODES.iter().map(|row| row.code).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), super::CODES.len());
    }
}
