//! Rows that several types share, joined when the program is built.

use super::attr::{Attr, text};

/// Joins lists of rows into one in the order of their names. `N` is the sum of their lengths.
pub(crate) const fn joined<const N: usize>(lists: &[&[Attr]]) -> [Attr; N] {
    let mut out = [text(""); N];
    let (mut list, mut filled) = (0, 0);
    while list < lists.len() {
        let mut at = 0;
        while at < lists[list].len() {
            let row = lists[list][at];
            let mut place = filled;
            while place > 0 && before(row.name, out[place - 1].name) {
                out[place] = out[place - 1];
                place -= 1;
            }
            out[place] = row;
            filled += 1;
            at += 1;
        }
        list += 1;
    }
    assert!(filled == N, "N is the number of rows");
    out
}

const fn before(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut at = 0;
    while at < a.len() && at < b.len() {
        if a[at] != b[at] {
            return a[at] < b[at];
        }
        at += 1;
    }
    a.len() < b.len()
}
