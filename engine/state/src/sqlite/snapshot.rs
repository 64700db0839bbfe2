//! A database read where nothing can be written: both its files, brought together in memory.
//!
//! SQLite can't read a database with a write-ahead log without writing beside it. The log's format:
//! <https://www.sqlite.org/fileformat2.html#the_write_ahead_log>.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, MAIN_DB};

use super::location::Location;
use super::schema::explain;
use crate::StoreError;

const LOG_HEADER: usize = 32;
const FRAME_HEADER: usize = 24;

/// Opens a copy in memory that can't be written.
pub(super) fn open(location: &Location) -> Result<Connection, StoreError> {
    let failed = |error: std::io::Error| StoreError::of_file("read", &location.db, error);
    let mut bytes = std::fs::read(&location.db).map_err(failed)?;
    if let Ok(log) = std::fs::read(log_of(&location.db)) {
        apply(&mut bytes, &log);
    }
    // The copy has no log of its own.
    if let Some(versions) = bytes.get_mut(18..20) {
        versions.fill(1);
    }
    let explain = |error: rusqlite::Error| explain(&location.db, error);
    let mut connection = Connection::open_in_memory().map_err(explain)?;
    if !bytes.is_empty() {
        let read = std::io::Cursor::new(&bytes);
        connection.deserialize_read_exact(MAIN_DB, read, bytes.len(), false).map_err(explain)?;
    }
    Ok(connection)
}

/// Returns the write-ahead log of a database.
pub(super) fn log_of(db: &Path) -> PathBuf {
    let mut name = db.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

/// Brings the committed pages of a log into the bytes of its database.
fn apply(bytes: &mut Vec<u8>, log: &[u8]) {
    let Some(header) = Header::read(log) else { return };
    let mut sums = header.sums;
    let mut pending: BTreeMap<u32, &[u8]> = BTreeMap::new();
    let frames = log.get(LOG_HEADER..).unwrap_or_default();
    for frame in frames.chunks_exact(FRAME_HEADER + header.page_size) {
        let (head, page) = frame.split_at(FRAME_HEADER);
        if word(head, 8) != header.salts.0 || word(head, 12) != header.salts.1 {
            break;
        }
        sums = header.sum(header.sum(sums, head.get(..8).unwrap_or_default()), page);
        if (word(head, 16), word(head, 20)) != sums {
            break;
        }
        pending.insert(word(head, 0), page);
        let pages = word(head, 4);
        if pages > 0 {
            bytes.resize(pages as usize * header.page_size, 0);
            for (number, page) in std::mem::take(&mut pending) {
                let from = (number as usize).saturating_sub(1) * header.page_size;
                if let Some(place) = bytes.get_mut(from..from + header.page_size) {
                    place.copy_from_slice(page);
                }
            }
        }
    }
}

/// The header of a log.
struct Header {
    is_big_endian: bool,
    page_size: usize,
    salts: (u32, u32),
    sums: (u32, u32),
}

impl Header {
    fn read(log: &[u8]) -> Option<Self> {
        let head = log.get(..LOG_HEADER)?;
        let is_big_endian = match word(head, 0) {
            0x377f_0682 => false,
            0x377f_0683 => true,
            _ => return None,
        };
        let page_size = word(head, 8) as usize;
        if !(512..=65_536).contains(&page_size) {
            return None;
        }
        let salts = (word(head, 16), word(head, 20));
        let mut header = Self { is_big_endian, page_size, salts, sums: (0, 0) };
        header.sums = header.sum((0, 0), head.get(..24)?);
        (header.sums == (word(head, 24), word(head, 28))).then_some(header)
    }

    /// Continues a checksum over bytes, two words at a time.
    fn sum(&self, (mut a, mut b): (u32, u32), bytes: &[u8]) -> (u32, u32) {
        for pair in bytes.chunks_exact(8) {
            let read = |at: usize| {
                let big = word(pair, at);
                if self.is_big_endian { big } else { big.swap_bytes() }
            };
            a = a.wrapping_add(read(0)).wrapping_add(b);
            b = b.wrapping_add(read(4)).wrapping_add(a);
        }
        (a, b)
    }
}

/// Reads four bytes, the highest first.
fn word(bytes: &[u8], at: usize) -> u32 {
    let four = bytes.get(at..at + 4).and_then(|four| four.try_into().ok());
    u32::from_be_bytes(four.unwrap_or_default())
}
