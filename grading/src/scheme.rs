//! Grading schemes: names for percentages.

use crate::Percent;

/// Levels of one scheme.
pub const MAX_LEVELS: usize = 30;
/// A level's name, in characters.
pub const MAX_NAME: usize = 20;

/// A name from a percentage on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Level {
    /// Such as `B+`.
    pub name: String,
    /// The lowest percentage that has it.
    pub from: Percent,
}

/// Why levels are no scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SchemeError {
    /// Names are missing, too long or there twice.
    #[error("each level has a name of its own of 1 to {MAX_NAME} characters, such as B+")]
    Name,
    /// Out of order or out of range.
    #[error("levels go from high to low, each beginning at another percentage from 0 to 1000")]
    Order,
    /// A percentage without a name.
    #[error("the last level begins at 0, so that every percentage has a name")]
    Bottom,
    /// Too many.
    #[error("a scheme has at most {MAX_LEVELS} levels")]
    TooMany,
}

/// Levels from high to low; none at all where percentages have no names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scheme(Vec<Level>);

impl Scheme {
    /// A scheme of these levels, the highest first.
    pub fn new(levels: Vec<Level>) -> Result<Self, SchemeError> {
        if levels.len() > MAX_LEVELS {
            return Err(SchemeError::TooMany);
        }
        let named = |(at, level): (usize, &Level)| {
            let length = level.name.chars().count();
            (1..=MAX_NAME).contains(&length) && levels[..at].iter().all(|other| other.name != level.name)
        };
        if !levels.iter().enumerate().all(named) {
            return Err(SchemeError::Name);
        }
        let falling = levels.windows(2).all(|pair| pair[0].from > pair[1].from);
        if !falling || levels.iter().any(|level| !(0..=10 * Percent::FULL.0).contains(&level.from.0)) {
            return Err(SchemeError::Order);
        }
        if levels.last().is_some_and(|last| last.from != Percent(0)) {
            return Err(SchemeError::Bottom);
        }
        Ok(Self(levels))
    }

    /// From words such as `A=90 B=80 F=0`, the highest first.
    pub fn parse(text: &str) -> Result<Self, String> {
        let level = |word: &str| {
            let (name, from) = word.rsplit_once('=').ok_or_else(|| format!("`{word}` is no level such as A=90"))?;
            let from = Percent::parse(from).map_err(|_| format!("`{from}` is no percentage such as 90 or 89.5"))?;
            Ok(Level { name: name.into(), from })
        };
        let levels: Result<Vec<Level>, String> = text.split_whitespace().map(level).collect();
        Self::new(levels?).map_err(|error| error.to_string())
    }

    /// The levels, the highest first.
    pub fn levels(&self) -> &[Level] {
        &self.0
    }

    /// The name of a percentage; none in a scheme without levels.
    pub fn level(&self, percent: Percent) -> Option<&str> {
        self.0.iter().find(|level| level.from <= percent).or(self.0.last()).map(|level| &*level.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_begins_exactly_at_its_percentage() {
        let scheme = Scheme::parse("A=90 B+=87.5 B=80 F=0").unwrap();
        let level = |hundredths| scheme.level(Percent(hundredths)).unwrap();
        assert_eq!([level(12_000), level(9_000), level(8_999), level(8_750), level(0)], ["A", "A", "B+", "B+", "F"]);
        assert_eq!(Scheme::default().level(Percent(5_000)), None);
    }

    #[test]
    fn levels_without_order_name_or_bottom_are_no_scheme() {
        for (text, why) in [
            ("A=80 B=90 F=0", SchemeError::Order),
            ("A=90 A=0", SchemeError::Name),
            ("=90 F=0", SchemeError::Name),
            ("A=90 B=10", SchemeError::Bottom),
            ("A=90 B=90 F=0", SchemeError::Order),
        ] {
            assert_eq!(Scheme::parse(text), Err(why.to_string()), "{text}");
        }
        assert!(Scheme::parse("A").is_err() && Scheme::parse("A=x").is_err());
        assert_eq!(Scheme::parse(""), Ok(Scheme::default()));
    }
}
