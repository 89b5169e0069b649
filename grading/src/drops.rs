//! Which work a group's rules drop.
//!
//! Dropping the `n` lowest means leaving out those `n` without which Σ score / Σ possible is the largest. These need not be
//! the `n` with the lowest percentages: of 1/2, 59/100 and 9/10 the 1/2 is the worst, and yet it is without the 59/100 that the
//! rest comes to the most (10/12). Dropping the `n` highest leaves out those without which it is the smallest.
//!
//! The best set is found exactly (Kane and Kane, *Dropping Lowest Grades*; Dinkelbach's method): for a ratio `q = S / P`, the
//! `k` works with the largest `score − q · possible` are the best choice against `q`; their ratio is at least `q`, and where
//! it is no larger, it is the largest there is. Each step raises the ratio, and there are finitely many sets. All of it is in
//! whole numbers: `score · P − possible · S`.
//!
//! Of sets that come to the same, the one is taken that keeps the earlier works.

/// One work that counts in a group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// What was given.
    pub score: i64,
    /// Of how much.
    pub possible: i64,
    /// Whether it is never dropped.
    pub never_drop: bool,
}

/// Which of `works` are dropped, by their places in ascending order. One work with points is always kept.
pub fn dropped(works: &[Counted], lowest: usize, highest: usize) -> Vec<usize> {
    let may_go = |work: &Counted| work.possible > 0 && !work.never_drop;
    let candidates: Vec<usize> = (0..works.len()).filter(|at| may_go(&works[*at])).collect();
    let stays_anyway = works.iter().any(|work| work.possible > 0 && work.never_drop);
    let least = usize::from(!stays_anyway);
    let kept = keep(works, candidates.clone(), lowest, least, Aim::Most);
    let kept = keep(works, kept, highest, least, Aim::Least);
    candidates.into_iter().filter(|at| kept.binary_search(at).is_err()).collect()
}

/// What the ratio of the kept works is to be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Aim {
    Most,
    Least,
}

/// The places of `candidates` without `drop` of them, in ascending order; at least `least` stay.
fn keep(works: &[Counted], candidates: Vec<usize>, drop: usize, least: usize, aim: Aim) -> Vec<usize> {
    let count = candidates.len().saturating_sub(drop).max(least);
    if count >= candidates.len() {
        return candidates;
    }
    // What stays whatever is chosen: works that are never dropped, and extra credit.
    let base = sums(works.iter().filter(|work| work.possible == 0 || work.never_drop));
    let ratio = |chosen: &[usize]| {
        let chosen = sums(chosen.iter().map(|at| &works[*at]));
        (base.0 + chosen.0, base.1 + chosen.1)
    };
    let mut chosen = candidates[..count].to_vec();
    loop {
        let (score, possible) = ratio(&chosen);
        let gain = |at: &usize| {
            let gain = i128::from(works[*at].score) * possible - i128::from(works[*at].possible) * score;
            if aim == Aim::Most { gain } else { -gain }
        };
        let mut best = candidates.clone();
        best.sort_by_key(|at| (std::cmp::Reverse(gain(at)), *at));
        best.truncate(count);
        best.sort_unstable();
        let (best_score, best_possible) = ratio(&best);
        if best_score * possible == score * best_possible {
            return best;
        }
        chosen = best;
    }
}

fn sums<'a>(works: impl Iterator<Item = &'a Counted>) -> (i128, i128) {
    works.fold((0, 0), |(score, possible), work| (score + i128::from(work.score), possible + i128::from(work.possible)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn work(score: i64, possible: i64) -> Counted {
        Counted { score, possible, never_drop: false }
    }

    #[test]
    fn the_lowest_is_what_leaves_the_most_and_not_the_lowest_percentage() {
        // 20 % of a small quiz, 80 % of a large paper: without the quiz 80/100, without the paper 2/10.
        assert_eq!(dropped(&[work(2, 10), work(80, 100)], 1, 0), [0]);
        // 1/2 has the lower percentage than 59/100, and yet leaving the 59 out gives more.
        assert_eq!(dropped(&[work(1, 2), work(59, 100), work(9, 10)], 1, 0), [1]);
    }

    #[test]
    fn what_is_never_dropped_stays_and_something_is_always_kept() {
        let never = Counted { never_drop: true, ..work(0, 10) };
        assert_eq!(dropped(&[never, work(5, 10), work(9, 10)], 1, 0), [1]);
        assert_eq!(dropped(&[never, work(5, 10)], 5, 5), [1], "the other one stays");
        assert_eq!(dropped(&[work(5, 10), work(9, 10)], 7, 7), [0]);
        assert_eq!(dropped(&[work(5, 10)], 1, 1), Vec::<usize>::new());
        assert_eq!(dropped(&[], 1, 1), Vec::<usize>::new());
    }

    #[test]
    fn extra_credit_takes_no_part_and_of_equal_works_the_later_goes() {
        assert_eq!(dropped(&[work(3, 0), work(5, 10), work(9, 10)], 1, 0), [1]);
        assert_eq!(dropped(&[work(5, 10), work(5, 10), work(5, 10)], 1, 0), [2]);
        assert_eq!(dropped(&[work(5, 10), work(50, 100)], 1, 0), [1]);
        assert_eq!(dropped(&[work(1, 10), work(5, 10), work(9, 10)], 1, 1), [0, 2]);
    }

    /// All sets of `count` places out of `from`.
    fn sets(from: &[usize], count: usize) -> Vec<Vec<usize>> {
        match (from, count) {
            (_, 0) => vec![Vec::new()],
            ([], _) => Vec::new(),
            ([first, rest @ ..], _) => {
                let with = sets(rest, count - 1).into_iter().map(|set| [vec![*first], set].concat());
                with.chain(sets(rest, count)).collect()
            }
        }
    }

    /// The slow, obvious way: every set is tried, and of those with the best ratio the first is taken that keeps the earlier.
    fn best_by_trying(works: &[Counted], candidates: &[usize], drop: usize, least: usize, most: bool) -> Vec<usize> {
        let count = candidates.len().saturating_sub(drop).max(least).min(candidates.len());
        let always: Vec<&Counted> = works.iter().filter(|work| work.possible == 0 || work.never_drop).collect();
        let ratio = |set: &Vec<usize>| sums(always.iter().copied().chain(set.iter().map(|at| &works[*at])));
        let mut best: Option<Vec<usize>> = None;
        for set in sets(candidates, count) {
            let better = best.as_ref().is_none_or(|best| {
                let ((s, p), (bs, bp)) = (ratio(&set), ratio(best));
                if most { s * bp > bs * p } else { s * bp < bs * p }
            });
            if better {
                best = Some(set);
            }
        }
        best.unwrap_or_default()
    }

    fn by_trying(works: &[Counted], lowest: usize, highest: usize) -> Vec<usize> {
        let candidates: Vec<usize> =
            (0..works.len()).filter(|at| works[*at].possible > 0 && !works[*at].never_drop).collect();
        let least = usize::from(!works.iter().any(|work| work.possible > 0 && work.never_drop));
        let kept = best_by_trying(works, &candidates, lowest, least, true);
        let kept = best_by_trying(works, &kept, highest, least, false);
        candidates.into_iter().filter(|at| !kept.contains(at)).collect()
    }

    fn any_work(points: i64) -> impl Strategy<Value = Counted> {
        (0..=points, 0..=points, prop::bool::weighted(0.15)).prop_map(|(score, possible, never_drop)| Counted {
            score,
            possible,
            never_drop,
        })
    }

    /// The ratio that is left.
    fn left(works: &[Counted], dropped: &[usize]) -> (i128, i128) {
        sums((0..works.len()).filter(|at| !dropped.contains(at)).map(|at| &works[at]))
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

        // Small numbers make ties, large ones the widest products.
        #[test]
        fn no_other_choice_leaves_more(
            works in prop::strategy::Union::new([
                prop::collection::vec(any_work(4), 0..9),
                prop::collection::vec(any_work(100), 0..9),
                prop::collection::vec(any_work(10_000_000_000), 0..9),
            ]),
            lowest in 0_usize..5,
            highest in 0_usize..4,
        ) {
            let (fast, slow) = (dropped(&works, lowest, 0), by_trying(&works, lowest, 0));
            prop_assert_eq!(fast.len(), slow.len());
            let ((s, p), (best_s, best_p)) = (left(&works, &fast), left(&works, &slow));
            prop_assert_eq!(s * best_p, best_s * p, "dropping the lowest leaves the most");
            prop_assert_eq!(&fast, &slow, "of equal choices the earlier works are kept");
            prop_assert_eq!(dropped(&works, lowest, highest), by_trying(&works, lowest, highest));
        }
    }
}
