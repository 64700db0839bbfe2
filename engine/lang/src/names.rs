//! Names that recur in a configuration.

use std::cell::RefCell;
use std::collections::HashSet;

use terrarium_address::Name;

/// As many as a thread remembers: the types and attributes of a configuration, not each of its blocks.
const MOST: usize = 1024;

thread_local! {
    static KNOWN: RefCell<HashSet<Name>> = RefCell::default();
}

/// Returns a name; what the thread read lately shares its text, since a configuration of a hundred thousand
/// blocks says `id` and the names of types some millions of times.
pub(crate) fn name(text: &str) -> Name {
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
        let first = name("id");
        for at in 0..MOST / 2 {
            name(&format!("block-{at}"));
        }
        assert!(Arc::ptr_eq(&first, &name("id")));
        for at in 0..2 * MOST {
            name(&format!("block-{at}"));
        }
        assert_eq!(first, name("id"));
        KNOWN.with_borrow(|known| assert!(known.len() <= MOST));
    }
}
