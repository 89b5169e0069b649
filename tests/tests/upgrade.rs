//! From one release to the next, node by node. Nothing has been released yet: the same program plays both, with another newest
//! feature level. `scripts/upgrade-drill --old FILE` does the same with any older program.

use lectern_tests::upgrade::{Release, upgrade};

#[test]
fn a_cluster_is_upgraded_node_by_node_under_load_and_the_old_release_does_not_run_on_the_new_state() {
    let release = |level| Release { program: None, max_level: Some(level) };
    let came = upgrade(3, &release(1), &release(3));
    assert!(came.acknowledged >= 200, "{came:?}");
    assert_eq!((came.lost, came.doubled, came.levels), (0, 0, (1, 3)), "{came:?}");
    let old_says = came.old_says.expect("the level was raised");
    assert!(old_says.contains("feature level 3") && old_says.contains("applies up to 1"), "{old_says}");
    assert!(old_says.contains("run the release that the other nodes run"), "{old_says}");
}
