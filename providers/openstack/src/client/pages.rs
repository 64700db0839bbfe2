//! Pages of a list, and lists without an end.

use std::collections::HashSet;

use serde_json::Value as Json;

/// The pages of a list so far.
#[derive(Default)]
pub(super) struct Pages {
    /// All objects.
    pub(super) all: Vec<Json>,
    ids: HashSet<String>,
    markers: HashSet<String>,
}

impl Pages {
    /// Adds a page; fails where the list goes in circles: a marker comes again, or a page brings nothing
    /// new and still names a next one.
    pub(super) fn add(&mut self, items: Vec<Json>, marker: Option<&str>) -> Result<(), String> {
        let Some(marker) = marker else {
            self.all.extend(items);
            return Ok(());
        };
        let id = |item: &Json| item.get("id").and_then(Json::as_str).map(str::to_owned);
        let mut fresh = false;
        for item in &items {
            // What has no id is taken for new: the number of pages is bounded all the same.
            fresh |= id(item).is_none_or(|id| self.ids.insert(id));
        }
        if !fresh {
            return Err("a page has only what earlier ones had, and names a next one".to_owned());
        }
        if !self.markers.insert(marker.to_owned()) {
            return Err(format!("its next page is {marker:?} once more"));
        }
        self.all.extend(items);
        Ok(())
    }
}

/// Returns the marker of the next page, from the link that the service gives.
pub(super) fn next_marker(page: &Json, key: &str) -> Option<String> {
    let links = page.get(format!("{key}_links")).and_then(Json::as_array);
    let linked = links.and_then(|links| {
        links
            .iter()
            .find(|link| link.get("rel").and_then(Json::as_str) == Some("next"))?
            .get("href")?
            .as_str()
    });
    let href = linked.or_else(|| page.get("next").and_then(Json::as_str))?;
    let (_, query) = href.split_once('?')?;
    let marker = query.split('&').find_map(|pair| pair.strip_prefix("marker="))?;
    Some(percent_encoding::percent_decode_str(marker).decode_utf8_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lists_that_go_in_circles_are_errors() {
        let pages = |all: &[(&str, Option<&str>)]| {
            let mut pages = Pages::default();
            let mut add =
                |(id, marker): &(&str, Option<&str>)| pages.add(vec![json!({"id": id})], *marker);
            all.iter().try_for_each(&mut add).map(|()| pages.all.len())
        };
        assert_eq!(pages(&[("a", Some("a")), ("b", Some("b")), ("c", None)]), Ok(3));
        assert!(pages(&[("a", Some("x")), ("b", Some("x"))]).unwrap_err().contains("once more"));
        assert!(pages(&[("a", Some("x")), ("a", Some("y"))]).unwrap_err().contains("only what"));
    }
}
