//! The forms in which a text travels: escaped, URL-encoded, in base64.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// Fewest letters of base64 that are looked for: six bytes have seven at each offset.
const SHORTEST_BASE64: usize = 7;

/// Lists a text and its other forms, each once.
pub(super) fn of(text: &str) -> Vec<String> {
    let mut forms = vec![text.to_owned(), json(text), inside(&format!("{text:?}")), html(text)];
    forms.push(go_json(&json(text)));
    forms.push(template(&json(text)));
    let upper = percent(text, |byte, out| {
        let _infallible = write!(out, "%{byte:02X}");
    });
    let lower = percent(text, |byte, out| {
        let _infallible = write!(out, "%{byte:02x}");
    });
    forms.push(upper.replace("%20", "+"));
    forms.extend([upper, lower]);
    for offset in 0..3 {
        forms.extend(base64(text, offset, &STANDARD_NO_PAD));
        forms.extend(base64(text, offset, &URL_SAFE_NO_PAD));
    }
    forms.sort_unstable();
    forms.dedup();
    forms
}

/// Takes the quotes off.
fn inside(quoted: &str) -> String {
    quoted.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(quoted).to_owned()
}

fn json(text: &str) -> String {
    inside(&serde_json::to_string(text).unwrap_or_default())
}

/// Escapes what Go escapes beside.
fn go_json(json: &str) -> String {
    json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

/// Escapes what would begin a template in a configuration.
fn template(json: &str) -> String {
    json.replace("${", "$${").replace("%{", "%%{")
}

fn html(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

fn percent(text: &str, escape: impl Fn(u8, &mut String)) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            escape(byte, &mut out);
        }
    }
    out
}

/// Returns the letters that a text has in the base64 of a longer one in which it begins at `offset` modulo 3,
/// without those that depend on its neighbours.
fn base64(text: &str, offset: usize, engine: &impl Engine) -> Option<String> {
    let mut bytes = vec![0; offset];
    bytes.extend_from_slice(text.as_bytes());
    let encoded = engine.encode(&bytes);
    let first = (offset * 8).div_ceil(6);
    let last = bytes.len() * 8 / 6;
    let form = encoded.get(first..last)?;
    (form.len() >= SHORTEST_BASE64).then(|| form.to_owned())
}
