//! `explain CODE`, `explain TYPE`

use terrarium_address::Mode;
use terrarium_diagnostic::{CodeRow, nearest};

use crate::codes;
use crate::context::{Context, Outcome, fail};
use crate::exit_codes;
use crate::render;
use crate::setup::providers::schemas;

/// Flags.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A diagnostic's code, such as T0704, or a type, such as `openstack_reservation_host_v1` or
    /// `data.openstack_images_image_v2`; without one, all codes are listed
    #[arg(value_name = "CODE|TYPE")]
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
    if wanted.contains('_') {
        return of_type(wanted, context);
    }
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

/// Shows the reference of a type, whichever provider has it.
fn of_type(wanted: &str, context: &Context) -> Outcome {
    let providers = schemas(context)?;
    let (mode, kind) = match wanted.strip_prefix("data.") {
        Some(kind) => (Mode::Data, kind),
        None => (Mode::Managed, wanted),
    };
    let mut names = Vec::new();
    for provider in providers.iter() {
        let all = provider.schemas();
        if let Some(schema) = provider.schema(mode, kind) {
            context.out.line(render::reference::reference(wanted, &schema).trim_end());
            return Ok(exit_codes::SUCCESS);
        }
        names.extend(all.resources.keys().map(ToString::to_string));
        names.extend(all.data.keys().map(|kind| format!("data.{kind}")));
    }
    let near = nearest(wanted, names.iter().map(String::as_str));
    let hint = near.map(|name| format!(" Did you mean {name}?")).unwrap_or_default();
    fail(codes::FLAGS, "Unknown type", format!("No provider here has a type {wanted}.{hint}"))
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
