use super::{super::tests::pattern, *};

fn tree(paths: &[String]) -> Tree<usize> {
    let mut tree = Tree::default();
    for (value, path) in paths.iter().enumerate() {
        let route = Route {
            method: Method::GET,
            path: pattern(path),
            place: KeyPath::root(),
            value,
        };
        tree.insert(route).expect("routes have no conflicts");
    }
    tree
}

fn nodes<T>(node: &Node<T>) -> usize {
    let texts: usize = node.texts.values().map(nodes).sum();
    let params: usize = node.params.iter().map(|edge| nodes(&edge.node)).sum();
    1 + texts + params
}

/// The path of a client matches text and parameter at every level, and leads
/// nowhere on every branch but the last one tried.
#[test]
fn backtracking_meets_each_node_at_most_once() {
    let depth = 60;
    let paths: Vec<String> = (0..depth)
        .map(|at| {
            let before = "/a".repeat(at);
            let after = "/a".repeat(depth - at - 1);
            format!("{before}/{{p}}{after}/end{at}")
        })
        .collect();
    let tree = tree(&paths);
    let limit = nodes(&tree.root);
    assert!(
        limit < 2 * depth * depth,
        "the tree itself is {limit} nodes"
    );

    let hostile = [
        format!("{}/nothing", "/a".repeat(depth)),
        format!("{}/end0", "/a".repeat(depth)),
        "/a".repeat(100_000),
        "/".repeat(100_000),
        format!("/{}", "a".repeat(100_000)),
    ];
    for path in &hostile {
        let (_, looked_at) = tree.search(path);
        assert!(looked_at <= limit, "{looked_at} of {limit} nodes");
        tree.find_folded(&path.to_uppercase());
    }
    let found = tree.find(&hostile[1]).expect("the last branch fits");
    assert_eq!((*found.value, found.values), (0, vec!["a"]));
}

/// Text, text around a parameter and a bare parameter at each of six levels.
#[test]
fn a_full_tree_is_searched_once_at_worst() {
    let mut paths = vec![String::new()];
    for _ in 0..6 {
        paths = paths
            .iter()
            .flat_map(|p| ["a", "a{p}", "{p}"].map(|segment| format!("{p}/{segment}")))
            .collect();
    }
    paths.iter_mut().for_each(|path| path.push_str("/end"));
    let tree = tree(&paths);
    let (found, looked_at) = tree.search("/aa/aa/aa/aa/aa/aa/nothing");
    assert!(found.is_none());
    assert!(looked_at <= nodes(&tree.root));
    assert!(looked_at > 100, "branches were tried: {looked_at}");
}

#[test]
fn a_lookup_costs_the_same_among_ten_thousand_routes() {
    let among = |count: usize| {
        let paths: Vec<String> = (0..count).map(|n| format!("/v1/r{n}/{{id}}")).collect();
        let tree = tree(&paths);
        let (found, looked_at) = tree.search("/v1/r0/42");
        assert_eq!(found.expect("it is there").values, ["42"]);
        looked_at
    };
    assert_eq!(among(1), 4);
    assert_eq!(among(10_000), 4);
}

#[test]
fn the_order_of_the_file_makes_no_difference() {
    let mut paths = [
        "/{p}", "/a{p}", "/ab{p}", "/a{p}b", "/{p}b", "/{p}bb", "/Ab", "/aB",
    ]
    .map(str::to_owned)
    .to_vec();
    let found = |paths: &[String]| {
        let tree = tree(paths);
        let path = |request: &str| paths[*tree.find(request).expect("found").value].clone();
        let exact = ["/abb", "/acb", "/ab", "/xbb", "/xb", "/x", "/a"].map(path);
        (exact, tree.find_folded("/AB"))
    };
    let first = found(&paths);
    let expected = [
        "/ab{p}", "/a{p}b", "/a{p}", "/{p}bb", "/{p}b", "/{p}", "/{p}",
    ];
    assert_eq!(first.0, expected);
    for _ in 0..paths.len() {
        paths.rotate_left(1);
        assert_eq!(found(&paths), first);
    }
}
