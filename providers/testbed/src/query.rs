//! The query of a request, and the paging that the services share.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

const KEPT: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b':');

/// The decoded pairs of a query string, in order; a key may repeat.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn parse(text: &str) -> Query {
        let pairs = text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(&key.replace('+', " ")), decode(&value.replace('+', " ")))
        });
        Query(pairs.collect())
    }

    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    pub(crate) fn all(&self, key: &str) -> Vec<&str> {
        self.0.iter().filter(|(name, _)| name == key).map(|(_, value)| value.as_str()).collect()
    }

    /// Returns the distinct keys, in order of their first appearance.
    pub(crate) fn keys(&self) -> Vec<&str> {
        let mut keys: Vec<&str> = Vec::new();
        for (name, _) in &self.0 {
            if !keys.contains(&name.as_str()) {
                keys.push(name);
            }
        }
        keys
    }

    pub(crate) fn limit(&self) -> Option<usize> {
        self.get("limit").and_then(|limit| limit.parse().ok())
    }

    /// Returns this query with another marker, as the link to the next page needs it.
    pub(crate) fn with_marker(&self, marker: &str) -> String {
        let mut query = self.without_marker();
        if !query.is_empty() {
            query.push('&');
        }
        query + &format!("marker={}", encode(marker))
    }

    /// Returns this query as that of the first page.
    pub(crate) fn without_marker(&self) -> String {
        let pairs = self.0.iter().filter(|(key, _)| key != "marker");
        let pairs = pairs.map(|(key, value)| format!("{}={}", encode(key), encode(value)));
        pairs.collect::<Vec<_>>().join("&")
    }
}

/// Decodes percent escapes; what is no UTF-8 is replaced.
pub(crate) fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, KEPT).to_string()
}
