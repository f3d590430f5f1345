/// Players from the top down.
#[derive(Debug, Default)]
pub struct Ladder {
    players: Vec<String>,
}

impl Ladder {
    /// Puts a player at the bottom.
    ///
    /// ```
    /// let mut ladder = ladder::Ladder::default();
    /// ladder.join("Ada");
    /// assert_eq!(ladder.place("Ada"), Some(1));
    /// ```
    pub fn join(&mut self, name: &str) {
        self.players.push(name.to_string());
    }

    /// The place of a player, from 1; `None` for a stranger.
    pub fn place(&self, name: &str) -> Option<usize> {
        self.players.iter().position(|p| p == name).map(|at| at + 1)
    }

    /// Records a game. Strangers change nothing.
    pub fn won(&mut self, winner: &str, loser: &str) {
        if let (Some(up), Some(down)) = (self.place(winner), self.place(loser)) {
            self.players.swap(up - 1, down - 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ladder() -> Ladder {
        let mut ladder = Ladder::default();
        for name in ["Ada", "Ben", "Cyd", "Dot"] {
            ladder.join(name);
        }
        ladder
    }

    #[test]
    fn strangers_have_no_place() {
        assert_eq!(ladder().place("Eve"), None);
    }

    #[test]
    fn a_winner_moves_to_just_above_the_loser() {
        let mut ladder = ladder();
        ladder.won("Dot", "Ben");
        let places: Vec<_> = ["Ada", "Dot", "Ben", "Cyd"].iter().map(|n| ladder.place(n)).collect();
        assert_eq!(places, [Some(1), Some(2), Some(3), Some(4)]);
    }
}
