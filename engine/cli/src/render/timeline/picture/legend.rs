//! What the looks of the bars mean: those that the picture has.

use terrarium_core::{Stage, Timeline};

use super::canvas::{Anchor, Canvas, TINY_LETTER, width_of};
use super::class;

/// The looks, in the order in which they are explained.
const MEANINGS: [(&str, &str); 11] = [
    ("tl-lease", "lease"),
    ("tl-there", "exists"),
    ("tl-new", "created now"),
    ("tl-change", "changed now"),
    ("tl-gone", "destroyed now"),
    ("tl-approved", "comes later, approved"),
    ("tl-later", "comes later, not approved yet"),
    ("tl-overdue", "overdue"),
    ("tl-ended", "ended"),
    ("tl-ghost", "as it was, or will be"),
    ("tl-mark", "falls due"),
];

/// Draws the legend from `(x, y)` to `right`, over several lines if need be; returns where it ends.
pub(super) fn draw(
    canvas: &mut Canvas,
    timeline: &Timeline,
    (left, top): (f64, f64),
    right: f64,
) -> f64 {
    let (mut x, mut y) = (left, top);
    for (look, meaning) in MEANINGS.into_iter().filter(|(look, _)| is_used(timeline, look)) {
        let width = 30.0 + width_of(meaning, TINY_LETTER) + 22.0;
        if x + width > right {
            x = left;
            y += 20.0;
        }
        if look == "tl-mark" {
            canvas.diamond(look, (x + 12.0, y - 4.0), 6.0);
        } else {
            canvas.rect(look, (x, y - 10.0), (24.0, 12.0), 3.0);
        }
        canvas.text(("tl-s tl-m", 11), (x + 30.0, y), Anchor::Start, meaning);
        x += width;
    }
    y
}

fn is_used(timeline: &Timeline, look: &str) -> bool {
    match look {
        "tl-lease" => timeline.groups.iter().any(|group| {
            group.head.as_ref().is_some_and(|head| !matches!(head.stage, Stage::Ended(_)))
        }),
        "tl-ghost" => timeline.rows().any(|row| row.was.is_some() || row.then.is_some()),
        "tl-mark" => timeline.rows().any(|row| !row.marks.is_empty()),
        "tl-ended" => timeline.rows().any(|row| matches!(row.stage, Stage::Ended(_))),
        look => {
            let rows = timeline.groups.iter().flat_map(|group| &group.rows);
            rows.filter(|row| row.window.is_some()).any(|row| class(row) == look)
        }
    }
}
