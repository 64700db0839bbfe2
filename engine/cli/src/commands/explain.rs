//! `explain CODE`

use terrarium_diagnostic::{CodeRow, nearest};

use crate::codes;
use crate::context::{Context, Outcome, fail};
use crate::exit_codes;

/// Flags.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A diagnostic's code, such as T0704; without one, all are listed
    #[arg(value_name = "CODE")]
    pub code: Option<String>,
}

pub(crate) fn run(args: &Args, context: &Context) -> Outcome {
    let mut rows = all();
    rows.sort_by_key(|row| row.code);
    let Some(wanted) = &args.code else {
        for row in rows {
            context.out.line(&format!("{}  {}", row.code, row.title));
        }
        return Ok(exit_codes::SUCCESS);
    };
    let wanted = wanted.to_uppercase();
    let Some(row) = rows.iter().find(|row| row.code.0 == wanted) else {
        let near = nearest(&wanted, rows.iter().map(|row| row.code.0));
        let hint = near.map(|code| format!(" Did you mean {code}?")).unwrap_or_default();
        return fail(
            codes::FLAGS,
            "Unknown code",
            format!("No diagnostic has the code {wanted}.{hint}"),
        );
    };
    context.out.line(&format!("{}: {}\n\n{}", row.code, row.title, row.explanation.trim_end()));
    Ok(exit_codes::SUCCESS)
}

/// Chains the tables of all crates.
fn all() -> Vec<CodeRow> {
    let tables: [&[CodeRow]; 5] = [
        terrarium_lang::CODES,
        terrarium_core::CODES,
        terrarium_openstack::codes::CODES,
        terrarium_builtin::CODES,
        codes::CODES,
    ];
    tables.concat()
}
