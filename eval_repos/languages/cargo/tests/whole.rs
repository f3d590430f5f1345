use ladder::Ladder;

#[test]
fn the_upper_player_winning_changes_nothing() {
    let mut ladder = Ladder::default();
    ladder.join("Ada");
    ladder.join("Ben");
    ladder.won("Ada", "Ben");
    assert_eq!(ladder.place("Ada"), Some(1));
}

#[test]
fn strangers_change_nothing() {
    let mut ladder = Ladder::default();
    ladder.join("Ada");
    ladder.won("Eve", "Ada");
    assert_eq!(ladder.place("Ada"), Some(1));
}
