//! A ladder of players: whoever beats somebody above moves to just above them.

pub mod ladder;

pub use ladder::Ladder;
