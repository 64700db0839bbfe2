//! SVG elements, one after another.

use std::fmt::Write;

/// Width of a letter of the small font, in which names are set.
pub(super) const SMALL_LETTER: f64 = 7.3;
/// Width of a letter of the tiny font, on the safe side.
pub(super) const TINY_LETTER: f64 = 5.9;

/// Below this width a bar is no longer dashed.
const TINY_BAR: f64 = 12.0;

const STYLE: &str = include_str!("style.css");

/// From where a text runs.
#[derive(Clone, Copy)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// The picture as far as it is drawn.
pub(super) struct Canvas(String);

impl Canvas {
    pub(super) fn new() -> Self {
        Self(String::new())
    }

    pub(super) fn rect(
        &mut self,
        class: &str,
        (x, y): (f64, f64),
        (width, height): (f64, f64),
        round: f64,
    ) {
        let _infallible = writeln!(
            self.0,
            r#"<rect class="{class}" x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}" rx="{round:.1}"/>"#
        );
    }

    /// Draws a bar; one without an end has a point at its right.
    pub(super) fn bar(
        &mut self,
        class: &str,
        (x, y): (f64, f64),
        (width, height): (f64, f64),
        endless: bool,
    ) {
        if !endless {
            // The dashes of so small a bar would be crumbs.
            let tiny = if width < TINY_BAR { " tl-tiny" } else { "" };
            let class = format!("{class}{tiny}");
            self.rect(&class, (x, y), (width, height), (width / 2.0).min(3.0));
            return;
        }
        let (right, middle, bottom) = (x + width, y + height / 2.0, y + height);
        let neck = right - (height / 2.0).min(width);
        let _infallible = writeln!(
            self.0,
            r#"<path class="{class}" d="M{x:.1} {y:.1}H{neck:.1}L{right:.1} {middle:.1}L{neck:.1} {bottom:.1}H{x:.1}Z"/>"#
        );
    }

    pub(super) fn diamond(&mut self, class: &str, (x, y): (f64, f64), half: f64) {
        let _infallible = writeln!(
            self.0,
            r#"<path class="{class}" d="M{:.1} {y:.1}L{x:.1} {:.1}L{:.1} {y:.1}L{x:.1} {:.1}Z"/>"#,
            x - half,
            y - half,
            x + half,
            y + half
        );
    }

    pub(super) fn cross(&mut self, class: &str, (x, y): (f64, f64), half: f64) {
        let (left, right, top, bottom) = (x - half, x + half, y - half, y + half);
        let _infallible = writeln!(
            self.0,
            r#"<path class="{class}" d="M{left:.1} {top:.1}L{right:.1} {bottom:.1}M{left:.1} {bottom:.1}L{right:.1} {top:.1}"/>"#
        );
    }

    pub(super) fn line(&mut self, class: &str, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
        let _infallible = writeln!(
            self.0,
            r#"<line class="{class}" x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}"/>"#
        );
    }

    pub(super) fn text(
        &mut self,
        (class, size): (&str, u8),
        (x, y): (f64, f64),
        anchor: Anchor,
        text: &str,
    ) {
        let anchor = match anchor {
            Anchor::Start => "",
            Anchor::Middle => r#" text-anchor="middle""#,
            Anchor::End => r#" text-anchor="end""#,
        };
        let text = escape(text);
        let _infallible = writeln!(
            self.0,
            r#"<text class="{class}" x="{x:.1}" y="{y:.1}" font-size="{size}"{anchor}>{text}</text>"#
        );
    }

    /// Begins what belongs together.
    pub(super) fn open(&mut self, class: &str) {
        let _infallible = writeln!(self.0, r#"<g class="{class}">"#);
    }

    /// Begins what belongs together, with what is told of it to whoever points at it.
    pub(super) fn open_told(&mut self, title: &str) {
        let _infallible = writeln!(self.0, "<g><title>{}</title>", escape(title));
    }

    pub(super) fn close(&mut self) {
        self.0.push_str("</g>\n");
    }

    /// Returns the whole picture.
    pub(super) fn finish(self, (width, height): (f64, f64), title: &str, told: &str) -> String {
        let (title, told) = (escape(title), escape(told));
        format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0}" height="{height:.0}" viewBox="0 0 {width:.0} {height:.0}" role="img" aria-labelledby="tl-title tl-desc">
<title id="tl-title">{title}</title>
<desc id="tl-desc">{told}</desc>
<style>
{STYLE}</style>
<rect class="tl-bg" width="{width:.0}" height="{height:.0}" rx="8"/>
{}</svg>
"#,
            self.0
        )
    }
}

/// Returns the width of a text, on the safe side.
#[expect(clippy::cast_precision_loss, reason = "no text is so long")]
pub(super) fn width_of(text: &str, letter: f64) -> f64 {
    text.chars().count() as f64 * letter
}

/// Cuts a text at its end.
pub(super) fn cut(text: &str, room: usize) -> String {
    if text.chars().count() <= room {
        return text.to_owned();
    }
    let kept: String = text.chars().take(room.saturating_sub(1)).collect();
    if room == 0 { kept } else { format!("{}…", kept.trim_end()) }
}

/// Writes text so that XML and HTML read it as it is.
pub(in super::super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // XML has no way to write control characters.
            letter if letter.is_control() && letter != '\n' => out.push('\u{fffd}'),
            letter => out.push(letter),
        }
    }
    out
}
