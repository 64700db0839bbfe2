//! The diagnostic codes of this crate: T00xx syntax and T02xx configuration here, T01xx with the expressions.

use terrarium_diagnostic::{Code, CodeRow};

use crate::expr::CODES as EXPRESSIONS;

macro_rules! codes {
    ($($name:ident = $code:literal, $title:literal, $explanation:literal;)*) => {
        $(#[doc = $title] pub(crate) const $name: Code = Code($code);)*
        const OWN: &[CodeRow] = &[$(CodeRow { code: $name, title: $title, explanation: $explanation }),*];
    };
}

/// The rows of `terrarium explain`, those about expressions included.
pub const CODES: &[CodeRow] = &ALL;

const ALL: [CodeRow; OWN.len() + EXPRESSIONS.len()] = {
    let mut all = [OWN[0]; OWN.len() + EXPRESSIONS.len()];
    let mut at = 0;
    while at < all.len() {
        all[at] = if at < OWN.len() { OWN[at] } else { EXPRESSIONS[at - OWN.len()] };
        at += 1;
    }
    all
};

codes! {
    SYNTAX = "T0001", "the text does not follow the grammar",
        "Something is missing, left over or misspelt: a quote, a bracket, an equals sign, a newline. The message names \
         the first place that does not fit; the mistake may stand a little before it.";
    SOURCE_LIMIT = "T0002", "a source text is too large",
        "A source file may have 64 MiB. Data of that size belongs into a file that is read with `file()`.";
    NESTING = "T0003", "brackets are nested too deep",
        "Blocks, brackets and templates may be nested 64 levels deep, and one expression may have 128 operators, attributes \
         or indexes in a row. Name parts of the expression in `locals`.";
    UNREADABLE = "T0004", "a file or directory can't be read",
        "The operating system refused. The message says what was attempted and why it failed.";
    DUPLICATE = "T0201", "a name is declared twice",
        "Names of one kind must be unique within a module. The message shows both places; rename or remove one.";
    UNSUPPORTED = "T0202", "an argument or block is not expected here",
        "The language, or the schema of the resource type, has no such argument or block. The nearest name is offered \
         where one is near.";
    MISSING = "T0203", "a required argument or block is missing",
        "The block can't do without it.";
    INVALID_NAME = "T0204", "a name is not allowed",
        "A name starts with a letter or underscore and has only letters, digits, underscores and dashes. Some names of \
         variables are reserved for the arguments of `module` blocks.";
    INVALID_ARGUMENT = "T0205", "an argument of the language's own blocks has no usable value",
        "Arguments such as `source`, `version` or those of `lifecycle` must be written literally: they are read before \
         anything is evaluated.";
    CONFLICT = "T0206", "two arguments exclude each other",
        "For example, `count` and `for_each` can't both be set.";
    MODULE_SOURCE = "T0207", "a module's source can't be used",
        "Terrarium reads modules from local directories: a source that starts with `./` or `../`.";
    MODULE_CYCLE = "T0208", "a module calls itself",
        "Directly or through others, the directory of a module is called from within itself.";
    MODULE_ARGUMENT = "T0209", "a module call does not fit the module",
        "It gives an argument that the module has no variable for, or leaves out one that has no default.";
    UNDECLARED = "T0210", "a reference names nothing that is declared",
        "Names are looked up in the module in which the expression stands. Values of other modules come in through \
         variables and go out through outputs.";
    MISPLACED = "T0211", "a name is not available here",
        "`each` needs `for_each`, `count.index` needs `count`, `self` stands in postconditions, provisioners and \
         connections only.";
    WRONG_TYPE = "T0212", "a value does not fit the type of the argument",
        "The message names the argument and the type that is needed.";
    BLOCK_COUNT = "T0213", "too few or too many blocks of one type",
        "The schema of the resource type bounds the number of nested blocks of this type.";
    DYNAMIC = "T0214", "a `dynamic` block is not usable",
        "`dynamic` needs `for_each`, a label that names a nested block type, and one `content` block.";
    VARIABLE_VALUE = "T0215", "a value does not fit a variable",
        "The value is converted to the type of the variable; it can't be, or it is null and the variable is not \
         nullable.";
    VARIABLE_FILE = "T0216", "a variables file is not usable",
        "A `.tfvars` file has one argument per variable and no blocks; values are written literally.";
    NOT_IMPLEMENTED = "T0217", "a part of the language is not implemented yet",
        "Terrarium reads it, but can't act on it. The message says what to use instead.";
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
