//! The diagnostic codes of expressions: T01xx.

use terrarium_diagnostic::{Code, CodeRow};

macro_rules! codes {
    ($($name:ident = $code:literal, $title:literal, $explanation:literal;)*) => {
        $(#[doc = $title] pub(crate) const $name: Code = Code($code);)*
        /// The rows of `terrarium explain` about expressions.
        pub const CODES: &[CodeRow] = &[$(CodeRow { code: $name, title: $title, explanation: $explanation }),*];
    };
}

codes! {
    LITERAL = "T0101", "a literal can't be read",
        "A number that is too large, or a quoted string that spans several lines. Text of several lines is written \
         with `\\n` or as a heredoc (`<<-EOT`).";
    REFERENCE = "T0102", "a reference is incomplete or unknown",
        "A reference names an object by its kind: `var.x`, `local.x`, `module.x.output`, `data.type.name`, or \
         `type.name` for a managed resource; then attributes follow.";
    FUNCTION = "T0103", "there is no such function",
        "The name is misspelt or the function does not exist in the language. Names are lower case.";
    ARITY = "T0104", "a call has too few or too many arguments",
        "Each function takes a fixed number of arguments, or at least a certain number. `f(list...)` expands a list \
         into arguments.";
    ARGUMENT = "T0105", "an argument of a function has an impossible value",
        "The value can't be converted to what the function expects, or is null where it may not be.";
    CALL = "T0106", "a function failed",
        "The arguments have the right types, but the function can't compute a result from them. The message says why.";
    OPERAND = "T0107", "an operand has the wrong type",
        "Arithmetic and comparison need numbers, logic needs bools. Text that looks like a number is converted.";
    OPERATION = "T0108", "an operation has no result",
        "An operand is null, or zero is divided by zero.";
    CONDITION = "T0109", "a condition is no bool",
        "A condition must be true or false; null and other values are none.";
    BRANCHES = "T0110", "the results of a conditional don't fit together",
        "Both results of `condition ? a : b` must have types that can be brought to a common one.";
    ATTRIBUTE = "T0111", "a value has no such attribute",
        "The object has no attribute of that name, or the value has no attributes at all. Lists are read with \
         `[0]` or `[*]`.";
    INDEX = "T0112", "a value has no such element",
        "The index lies outside the list, the map has no such key, or the value has no elements.";
    SPLAT = "T0113", "a splat of null",
        "`x[*]` needs a list, set or tuple, or a single value; a null list is neither.";
    ITERATION = "T0114", "a `for` can't iterate over the value",
        "`for` iterates over lists, sets, maps, tuples and objects.";
    KEY = "T0115", "a key of an object is wrong",
        "Keys are strings, not null and unique. A key that is an expression is put in parentheses.";
    TEMPLATE = "T0116", "a value can't stand in a template",
        "Only strings, numbers and bools can be put into a string. `jsonencode` makes text of any other value.";
    TYPE = "T0117", "a type constraint is wrong",
        "A type is `string`, `number`, `bool`, `any`, `list(T)`, `set(T)`, `map(T)`, `tuple([T, …])` or \
         `object({ name = T })`, where an attribute may be `optional(T, default)`.";
    LIMIT = "T0119", "a value or an evaluation is too large",
        "An expression that doubles a text forty times, or goes round a thousand million times, would take all memory \
         or never end. `value_parts`, `text_bytes`, `rounds` and `instances` are raised by name, for example with \
         TERRARIUM_LIMITS=rounds=50000000,text_bytes=100000000 in the environment. How deep values are nested is fixed.";
    STATIC = "T0118", "only a literal is allowed here",
        "The value is needed before anything can be evaluated, so it may not refer to other objects.";
}
