//! Pairs the elements of two lists: which stayed, which went, which came.

use std::collections::BTreeMap;

/// Above this many comparisons a linear-space algorithm takes over from the exact table.
const TABLE_LIMIT: usize = 4_000_000;

/// One element: its index before, its index after.
pub(crate) type Pair = (Option<usize>, Option<usize>);

/// Pairs elements that are given as numbers, equal where the elements are.
///
/// Lists of one length are compared place by place, unless one is a reordering of the other. `pairs_up`
/// tells whether an element that went and one that came are shown as one change (objects are).
pub(crate) fn pair(
    before: &[u32],
    after: &[u32],
    pairs_up: &dyn Fn(usize, usize) -> bool,
) -> Vec<Pair> {
    if before.len() == after.len() && counts(before) != counts(after) {
        return (0..before.len()).map(|at| (Some(at), Some(at))).collect();
    }
    let common = common(before, after);
    let mut pairs = Vec::new();
    let (mut b, mut a) = (0, 0);
    for (to_b, to_a) in common.into_iter().chain([(before.len(), after.len())]) {
        while b < to_b {
            if a < to_a && pairs_up(b, a) {
                pairs.push((Some(b), Some(a)));
                a += 1;
            } else {
                pairs.push((Some(b), None));
            }
            b += 1;
        }
        pairs.extend((a..to_a).map(|at| (None, Some(at))));
        a = to_a;
        if to_b < before.len() {
            pairs.push((Some(b), Some(a)));
            b += 1;
            a += 1;
        }
    }
    pairs
}

fn counts(items: &[u32]) -> BTreeMap<u32, usize> {
    let mut counts = BTreeMap::new();
    for item in items {
        *counts.entry(*item).or_default() += 1;
    }
    counts
}

/// Returns the places of a longest common subsequence.
fn common(before: &[u32], after: &[u32]) -> Vec<(usize, usize)> {
    if before.len().saturating_mul(after.len()) > TABLE_LIMIT {
        let ops = similar::capture_diff_slices(similar::Algorithm::Myers, before, after);
        return ops
            .iter()
            .filter(|op| op.tag() == similar::DiffTag::Equal)
            .flat_map(|op| op.old_range().zip(op.new_range()))
            .collect();
    }
    let columns = after.len() + 1;
    let mut table = vec![0u32; (before.len() + 1) * columns];
    for (x, left) in before.iter().enumerate() {
        for (y, right) in after.iter().enumerate() {
            let here = (x + 1) * columns + y + 1;
            table[here] = if left == right {
                table[x * columns + y] + 1
            } else {
                table[here - 1].max(table[here - columns])
            };
        }
    }
    let (mut x, mut y) = (before.len(), after.len());
    let mut found = Vec::new();
    while x > 0 && y > 0 {
        if before[x - 1] == after[y - 1] {
            x -= 1;
            y -= 1;
            found.push((x, y));
        } else if table[(x - 1) * columns + y] > table[x * columns + y - 1] {
            x -= 1;
        } else {
            y -= 1;
        }
    }
    found.reverse();
    found
}

#[cfg(test)]
mod tests {
    use super::pair;

    /// What Terraform 1.11.4 shows for these lists.
    #[test]
    fn elements_are_paired_as_terraform_pairs_them() {
        for (before, after, expected) in [
            ("abc", "bcd", "~ab ~bc ~cd"),
            ("abc", "cba", "-a -b =c +b +a"),
            ("abc", "xabc", "+x =a =b =c"),
            ("abcd", "ac", "=a -b =c -d"),
            ("abcd", "xyz", "-a -b -c -d +x +y +z"),
            ("aabb", "bbaa", "-a -a =b =b +a +a"),
            ("abcd", "badc", "-a =b -c +a =d +c"),
            ("abc", "cab", "+c =a =b -c"),
        ] {
            let ids = |text: &str| text.chars().map(u32::from).collect::<Vec<_>>();
            let shown: Vec<String> = pair(&ids(before), &ids(after), &|_, _| false)
                .into_iter()
                .map(|pair| show(before, after, pair))
                .collect();
            assert_eq!(shown.join(" "), expected, "{before} {after}");
        }
    }

    fn show(before: &str, after: &str, pair: super::Pair) -> String {
        let at = |text: &str, at: usize| text.chars().nth(at).unwrap();
        match pair {
            (Some(b), Some(a)) if at(before, b) == at(after, a) => format!("={}", at(before, b)),
            (Some(b), Some(a)) => format!("~{}{}", at(before, b), at(after, a)),
            (Some(b), None) => format!("-{}", at(before, b)),
            (None, Some(a)) => format!("+{}", at(after, a)),
            (None, None) => unreachable!(),
        }
    }
}
