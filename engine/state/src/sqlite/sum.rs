//! Checksums of rows: a value that changed by itself is told as damage, not read as another value.

use rusqlite::types::{ToSqlOutput, Type, ValueRef};
use rusqlite::{Row as SqlRow, Statement, ToSql};

/// The checksum of the columns that it was given, in order.
#[derive(Default)]
struct Sum(blake3::Hasher);

impl Sum {
    fn add(&mut self, value: ValueRef<'_>) {
        let (tag, bytes): (u8, &[u8]) = match value {
            ValueRef::Null => (0, &[]),
            ValueRef::Integer(number) => (1, &number.to_le_bytes()),
            ValueRef::Real(number) => (2, &number.to_le_bytes()),
            ValueRef::Text(text) => (3, text),
            ValueRef::Blob(blob) => (4, blob),
        };
        self.0.update(&[tag]);
        self.0.update(&(bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    fn finish(&self) -> i64 {
        self.0.finalize().as_bytes().first_chunk().map_or(0, |bytes| i64::from_le_bytes(*bytes))
    }
}

/// Executes a statement that writes a row, with the checksum as its last parameter; returns the sum.
pub(super) fn write(
    statement: &mut Statement<'_>,
    columns: &[&dyn ToSql],
) -> rusqlite::Result<i64> {
    let mut sum = Sum::default();
    for (index, column) in columns.iter().enumerate() {
        let value = column.to_sql()?;
        match &value {
            ToSqlOutput::Borrowed(value) => sum.add(*value),
            ToSqlOutput::Owned(value) => sum.add(ValueRef::from(value)),
            _ => return Err(damaged("a column is of a kind that no row has")),
        }
        statement.raw_bind_parameter(index + 1, value)?;
    }
    let sum = sum.finish();
    statement.raw_bind_parameter(columns.len() + 1, sum)?;
    statement.raw_execute()?;
    Ok(sum)
}

/// Checks the row's first `columns` columns, all of its table's, against the checksum that follows
/// them; returns the sum.
pub(super) fn verify(row: &SqlRow<'_>, columns: usize, table: &str) -> rusqlite::Result<i64> {
    let mut sum = Sum::default();
    for index in 0..columns {
        sum.add(row.get_ref(index)?);
    }
    let (found, noted) = (sum.finish(), row.get::<_, i64>(columns)?);
    if found == noted {
        return Ok(found);
    }
    Err(damaged(&format!("a row of `{table}` does not fit its checksum")))
}

/// Says that what is stored can't be right.
pub(super) fn damaged(cause: &str) -> rusqlite::Error {
    // The index that means *no column*: the message is the cause alone.
    rusqlite::Error::FromSqlConversionFailure(usize::MAX, Type::Null, cause.into())
}
