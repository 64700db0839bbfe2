//! The text of names, shared where they recur.

use std::cell::RefCell;
use std::collections::HashSet;

/// Shared text of a name: an identifier, a type name, a string key.
pub type Name = std::sync::Arc<str>;

/// As many as a thread remembers: the types and attributes of a configuration, not each of its objects.
const MOST: usize = 1024;

thread_local! {
    static KNOWN: RefCell<HashSet<Name>> = RefCell::default();
}

/// Returns a name whose text is shared with what the thread interned lately: a configuration of a hundred thousand
/// blocks, and its state, say `id` and the names of types some millions of times.
pub fn intern(text: &str) -> Name {
    KNOWN.with_borrow_mut(|known| {
        if let Some(name) = known.get(text) {
            return name.clone();
        }
        if known.len() == MOST {
            known.clear();
        }
        let name = Name::from(text);
        known.insert(name.clone());
        name
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn recurring_names_share_their_text() {
        let first = intern("id");
        for at in 0..MOST / 2 {
            intern(&format!("block-{at}"));
        }
        assert!(Arc::ptr_eq(&first, &intern("id")));
        for at in 0..2 * MOST {
            intern(&format!("block-{at}"));
        }
        assert_eq!(first, intern("id"));
        KNOWN.with_borrow(|known| assert!(known.len() <= MOST));
    }
}
