//! What holds of the arithmetic whatever is answered; how well it predicts is measured by `examples/mastery`.

use proptest::prelude::*;

use super::*;

/// A small course: three students, four items, two topics; item `n` is of topic `n % 2`, item 3 of both.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Course {
    learners: [Learner; 3],
    skills: [[Skill; 2]; 3],
    topics: [Topic; 2],
    items: [Item; 4],
}

type Event = (usize, usize, bool, Option<u32>);

impl Course {
    fn answer(&mut self, (student, item, right, options): Event, learns: Learns) {
        let mut topics = self.topics.iter_mut();
        let skills = self.skills[student].iter_mut();
        let mut practised: Vec<Practised<'_>> = skills
            .zip(&mut topics)
            .enumerate()
            .filter(|(topic, _)| item == 3 || item % 2 == *topic)
            .map(|(_, (skill, topic))| Practised { skill, topic })
            .collect();
        let answer = Answer { right, options };
        observe(&mut self.learners[student], &mut practised, &mut self.items[item], answer, learns);
    }

    fn predict(&self, student: usize, item: usize, options: Option<u32>) -> Fixed {
        let both = self.skills[student].iter().zip(&self.topics).enumerate();
        let topics: Vec<_> =
            both.filter(|(topic, _)| item == 3 || item % 2 == *topic).map(|(_, topic)| topic).collect();
        predict(&self.learners[student], &topics, &self.items[item], options)
    }

    fn beliefs(&self) -> Vec<Belief> {
        let learners = self.learners.iter().map(|learner| learner.ability);
        let skills = self.skills.iter().flatten().map(|skill| skill.proficiency);
        let topics = self.topics.iter().flat_map(|topic| [topic.difficulty, topic.slope]);
        let items = self.items.iter().flat_map(|item| [item.difficulty, item.discrimination]);
        learners.chain(skills).chain(topics).chain(items).collect()
    }
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let options = prop::option::of(1u32..6);
    prop::collection::vec((0usize..3, 0usize..4, any::<bool>(), options), 0..200)
}

fn learnt(events: &[Event]) -> Course {
    let mut course = Course::default();
    for event in events {
        course.answer(*event, Learns::All);
    }
    course
}

proptest! {
    #[test]
    fn the_same_answers_give_the_same_state(events in events()) {
        prop_assert_eq!(learnt(&events), learnt(&events));
    }

    #[test]
    fn a_probability_is_one_and_no_variance_is_negative(events in events()) {
        let course = learnt(&events);
        for student in 0..3 {
            for item in 0..4 {
                let p = course.predict(student, item, None).millionths();
                prop_assert!((0..=1_000_000).contains(&p), "{p}");
            }
        }
        for belief in course.beliefs() {
            prop_assert!(belief.variance >= Fixed::ZERO && belief.variance < Fixed::from_millionths(10_000_000));
            prop_assert!(belief.mean.millionths().abs() < 20_000_000, "{belief:?}");
        }
    }

    #[test]
    fn guessing_only_helps_and_never_falls_below_chance(events in events(), options in 2u32..6) {
        let course = learnt(&events);
        let (plain, guessed) = (course.predict(0, 0, None), course.predict(0, 0, Some(options)));
        prop_assert!(guessed >= plain);
        prop_assert!(guessed.millionths() >= 1_000_000 / i64::from(options));
    }

    #[test]
    fn a_right_answer_never_lowers_what_is_believed_of_the_student_nor_a_wrong_one_raises_it(
        events in events(),
        options in prop::option::of(1u32..6),
    ) {
        let before = learnt(&events);
        let (mut right, mut wrong) = (before.clone(), before.clone());
        right.answer((0, 0, true, options), Learns::All);
        wrong.answer((0, 0, false, options), Learns::All);
        prop_assert!(right.learners[0].ability.mean >= before.learners[0].ability.mean);
        prop_assert!(wrong.learners[0].ability.mean <= before.learners[0].ability.mean);
        prop_assert!(right.items[0].difficulty.mean <= before.items[0].difficulty.mean);
        prop_assert!(wrong.items[0].difficulty.mean >= before.items[0].difficulty.mean);
    }

    #[test]
    fn an_answer_that_teaches_the_student_alone_leaves_items_and_topics_as_they_are(events in events()) {
        let mut course = learnt(&events);
        let before = course.clone();
        course.answer((1, 3, true, None), Learns::StudentOnly);
        prop_assert_eq!(&course.items, &before.items);
        prop_assert_eq!(&course.topics, &before.topics);
        prop_assert_ne!(&course.learners[1], &before.learners[1]);
    }

    #[test]
    fn the_next_item_does_not_depend_on_the_order_of_the_candidates(
        chances in prop::collection::vec(0i64..=1_000_000, 1..20),
        turn in 0usize..20,
    ) {
        let ids: Vec<String> = (0..chances.len()).map(|n| format!("{n:02}")).collect();
        let mut candidates: Vec<_> = ids.iter().zip(&chances).map(|(id, p)| candidate(id, *p)).collect();
        let choice = Choice::usual(0);
        let first = next_item(&choice, candidates.clone());
        candidates.rotate_left(turn % chances.len());
        prop_assert_eq!(first, next_item(&choice, candidates));
    }
}

fn candidate(id: &str, p: i64) -> Candidate<'_> {
    let p = Fixed::from_millionths(p);
    Candidate { id, p, variance: Fixed::ZERO, item_seen_ms: None, topic_seen_ms: None }
}

#[test]
fn an_item_with_one_option_teaches_nothing_of_the_student() {
    let mut course = Course::default();
    course.answer((0, 0, true, Some(1)), Learns::All);
    assert_eq!(course.learners[0].ability, Learner::default().ability);
    assert_eq!(course.predict(0, 0, Some(1)).percent(), 100);
}

#[test]
fn nothing_is_claimed_before_five_answers() {
    let mut course = Course::default();
    for n in 0..4 {
        course.answer((0, 0, true, None), Learns::All);
        let said = mastery(&course.learners[0], &course.skills[0][0], &course.topics[0]);
        assert_eq!(said, Mastery::NotEnoughData { answers: n + 1 });
        assert_eq!(style(said), Style::Hints);
    }
    course.answer((0, 0, true, None), Learns::All);
    let said = mastery(&course.learners[0], &course.skills[0][0], &course.topics[0]);
    let Mastery::Known { p, answers: 5 } = said else { panic!("{said:?}") };
    assert!(p.percent() > 75, "{p:?}");
}

#[test]
fn the_style_follows_the_mastery() {
    let known = |millionths| style(Mastery::Known { p: Fixed::from_millionths(millionths), answers: 9 });
    assert_eq!(known(399_999), Style::WorkedExample);
    assert_eq!([known(400_000), known(750_000)], [Style::Hints, Style::Hints]);
    assert_eq!(known(750_001), Style::Questions);
}

#[test]
fn a_tag_is_worth_a_few_answers_and_then_gives_way() {
    let hard = Item::tagged(5);
    assert_eq!(hard.difficulty.mean.millionths(), 1_400_000);
    assert!(hard.difficulty.variance < Item::default().difficulty.variance);
    assert_eq!(Item::tagged(3).difficulty.mean, Fixed::ZERO);
    assert_eq!(Item::tagged(9), hard);
    let mut course = Course::default();
    course.items[0] = hard;
    for student in [0, 1, 2].repeat(20) {
        course.answer((student, 0, true, None), Learns::All);
    }
    assert!(course.items[0].difficulty.mean < Fixed::from_millionths(700_000), "{:?}", course.items[0]);
}

#[test]
fn the_next_item_is_near_the_target_and_not_the_one_just_seen() {
    let choice = Choice::usual(1_000);
    let all = [candidate("easy", 950_000), candidate("hard", 300_000), candidate("right", 760_000)];
    assert_eq!(next_item(&choice, all), Some("right"));
    let seen = Candidate { item_seen_ms: Some(900), ..all[2] };
    assert_eq!(next_item(&choice, [all[0], all[1], seen]), Some("easy"));
    assert_eq!(next_item(&choice, []), None);
}

#[test]
fn the_next_item_prefers_what_is_uncertain_or_overdue() {
    let day = 86_400_000;
    let choice = Choice::usual(30 * day);
    let known = candidate("a", 750_000);
    let unsure = Candidate { id: "b", variance: Fixed::from_millionths(500_000), ..known };
    let overdue = Candidate { id: "c", topic_seen_ms: Some(day), ..known };
    assert_eq!(next_item(&choice, [known, unsure]), Some("b"));
    assert_eq!(next_item(&choice, [known, overdue]), Some("c"));
}

#[test]
fn a_given_history_comes_to_these_numbers_on_every_platform() {
    let history: Vec<Event> = (0..500).map(|n| (n % 3, n * 7 % 4, n * n % 5 < 3, (n % 2 == 0).then_some(4))).collect();
    let course = learnt(&history);
    let sums = course.beliefs().into_iter().flat_map(|belief| [belief.mean, belief.variance]);
    let mut hasher = blake3::Hasher::new();
    for number in sums {
        hasher.update(&number.millionths().to_le_bytes());
    }
    let digest = hasher.finalize().to_hex();
    assert_eq!(&digest[..16], "c5e6eef33b209e1f", "apply would come to other numbers than other nodes, or than before");
}
