//! Circles of wishes: which edges give way, and what is told where none can.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use petgraph::algo::kosaraju_scc;
use petgraph::graph::DiGraph;

/// How firm an edge is, from what gives way first to what never does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Will {
    /// A removal waits for the updates of what used to read the object: better, but not possible where
    /// what those updates need waits for that removal. Or it follows from what is only planned.
    May,
    /// The service would rather have it so; it gives way where it would leave no order at all.
    Should,
    /// Without it a call would be refused, or would read what is not there.
    Must,
}

/// One node comes before another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edge {
    pub(super) first: usize,
    pub(super) then: usize,
    pub(super) will: Will,
}

/// Rounds in which one edge of a circle gives way at a time; after them all that can give way do, so that
/// a plan full of circles does not cost a round for each.
const ROUNDS: usize = 32;

/// Lets edges give way until no circle is left. The error is a circle of edges that never do, each node
/// before the next.
pub(super) fn broken(nodes: usize, mut edges: Vec<Edge>) -> Result<Vec<Edge>, Vec<usize>> {
    for round in 0.. {
        let stuck = stuck(nodes, &edges);
        if stuck.is_empty() {
            break;
        }
        let inside: Vec<usize> = (0..edges.len())
            .filter(|at| stuck.contains(&edges[*at].first) && stuck.contains(&edges[*at].then))
            .collect();
        let mut gone: BTreeSet<usize> = BTreeSet::new();
        for members in components(&edges, &inside) {
            let circle = circle(&edges, &members);
            let Some(weakest) = circle.iter().copied().min_by_key(|at| edges[*at].will) else {
                continue;
            };
            let will = edges[weakest].will;
            if will == Will::Must {
                return Err(circle.iter().map(|at| edges[*at].first).collect());
            }
            if round < ROUNDS {
                gone.insert(weakest);
            } else {
                gone.extend(members.iter().copied().filter(|at| edges[*at].will == will));
            }
        }
        let mut at = 0..;
        edges.retain(|_| at.next().is_none_or(|at| !gone.contains(&at)));
    }
    Ok(edges)
}

/// Returns the nodes that can never run: those on circles, and those behind them.
fn stuck(nodes: usize, edges: &[Edge]) -> BTreeSet<usize> {
    let mut waits = vec![0_usize; nodes];
    let mut followers: Vec<Vec<usize>> = vec![Vec::new(); nodes];
    for edge in edges {
        waits[edge.then] += 1;
        followers[edge.first].push(edge.then);
    }
    let mut ready: VecDeque<usize> = (0..nodes).filter(|at| waits[*at] == 0).collect();
    while let Some(at) = ready.pop_front() {
        for next in &followers[at] {
            waits[*next] -= 1;
            if waits[*next] == 0 {
                ready.push_back(*next);
            }
        }
    }
    (0..nodes).filter(|at| waits[*at] > 0).collect()
}

/// Groups edges by the set of nodes that all reach each other; edges between such sets are left out.
///
/// Kosaraju's algorithm and not Tarjan's: a chain of 100,000 nodes would recurse as deep.
fn components(edges: &[Edge], inside: &[usize]) -> Vec<Vec<usize>> {
    let mut graph: DiGraph<(), ()> = DiGraph::new();
    let mut index = BTreeMap::new();
    for at in inside {
        for node in [edges[*at].first, edges[*at].then] {
            index.entry(node).or_insert_with(|| graph.add_node(()));
        }
        graph.add_edge(index[&edges[*at].first], index[&edges[*at].then], ());
    }
    let mut component = vec![0; graph.node_count()];
    let all = kosaraju_scc(&graph);
    for (number, members) in all.iter().enumerate() {
        for member in members {
            component[member.index()] = number;
        }
    }
    let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for at in inside {
        let (first, then) = (index[&edges[*at].first], index[&edges[*at].then]);
        if component[first.index()] == component[then.index()] {
            groups.entry(component[first.index()]).or_default().push(*at);
        }
    }
    groups.into_values().collect()
}

/// Returns a shortest circle through the first edge of a strongly connected set, as its edges in turn.
fn circle(edges: &[Edge], members: &[usize]) -> Vec<usize> {
    let Some(start) = members.first().copied() else { return Vec::new() };
    let mut from: HashMap<usize, Vec<usize>> = HashMap::new();
    for at in members {
        from.entry(edges[*at].first).or_default().push(*at);
    }
    let mut came: HashMap<usize, usize> = HashMap::from([(edges[start].then, start)]);
    let mut open = VecDeque::from([edges[start].then]);
    while let Some(node) = open.pop_front() {
        if node == edges[start].first {
            break;
        }
        for at in from.get(&node).into_iter().flatten() {
            if let std::collections::hash_map::Entry::Vacant(new) = came.entry(edges[*at].then) {
                new.insert(*at);
                open.push_back(edges[*at].then);
            }
        }
    }
    let mut circle = Vec::new();
    let mut node = edges[start].first;
    while let Some(at) = came.get(&node) {
        circle.push(*at);
        if *at == start {
            break;
        }
        node = edges[*at].first;
    }
    circle.reverse();
    circle
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edges(all: &[(usize, usize, Will)]) -> Vec<Edge> {
        all.iter()
            .map(|(first, then, will)| Edge { first: *first, then: *then, will: *will })
            .collect()
    }

    #[test]
    fn the_weakest_edge_of_a_circle_gives_way_and_no_other() {
        use Will::{May, Must, Should};
        let all = edges(&[(0, 1, Must), (1, 2, Should), (2, 0, May), (3, 0, May), (2, 4, May)]);
        let left = broken(5, all).unwrap();
        let left: Vec<(usize, usize)> = left.iter().map(|edge| (edge.first, edge.then)).collect();
        assert_eq!(left, [(0, 1), (1, 2), (3, 0), (2, 4)]);
    }

    #[test]
    fn a_circle_that_no_edge_leaves_is_told_with_its_path() {
        use Will::{May, Must};
        let all = edges(&[(5, 2, May), (0, 1, Must), (1, 2, Must), (2, 0, Must), (2, 3, Must)]);
        assert_eq!(broken(6, all).unwrap_err(), [0, 1, 2]);
    }

    #[test]
    fn a_deep_circle_costs_no_stack() {
        let nodes = 200_000;
        let mut all: Vec<Edge> =
            (1..nodes).map(|at| Edge { first: at - 1, then: at, will: Will::Must }).collect();
        all.push(Edge { first: nodes - 1, then: 0, will: Will::Should });
        assert_eq!(broken(nodes, all).unwrap().len(), nodes - 1);
    }
}
