use super::*;
use crate::action::{BACK, BOTTOM, DOWN, FIND, NEXT_MATCH, PAGE_DOWN, PAGE_UP, PREVIOUS_MATCH, TOP, UP};
use crate::chord::Chord;
use crate::testkit::{draw, render};
use crate::theme::ThemeName;

const SAMPLE: &str = "\
# Consensus

A *log* that is **replicated** is the same on all nodes; `commit` says how far, ~~never~~ always. See
[the paper](https://raft.github.io/raft.pdf) or <https://raft.github.io>.

## What a leader does

1. It takes requests, one after the other, and appends each of them to its own log before anybody else hears of it.
2. It sends them:
   - to each follower,
   - again, *until* they are there.
10. It commits.

- [x] read chapter 5
- [ ] hand in hw1

> A quote goes on over more than one line when there is no room for it on one.
>
> > And another one in it.

```rust
fn main() {
    println!(\"a line of code that is a good deal longer than the screen it is shown on, to see where it breaks\");
}
```

| node | role | lag in entries | remark |
|:-----|:----:|---------------:|--------|
| n1   | leader | 0 | takes all writes |
| n2   | follower | 12 | a follower that is a little behind the leader and has a long remark |

---

![the states of a node](states.png) and a note[^1].

[^1]: Three states.
";

fn dark() -> Look {
    Look::new(ThemeName::Dark, false)
}

fn words(markdown: &str, width: u16, plain: bool) -> Vec<String> {
    lines(markdown, width, &Look::new(ThemeName::Mono, plain)).iter().map(ToString::to_string).collect()
}

fn shown(view: &MarkdownView, width: u16, height: u16, look: &Look) -> String {
    render(width, height, look, |area, canvas| view.view(area, canvas, true))
}

fn press(view: &mut MarkdownView, keys: &str) {
    for key in keys.split(' ') {
        view.key(key.parse::<Chord>().unwrap().event());
    }
}

#[test]
fn lists_are_indented_below_their_marks() {
    let markdown = "1. one two three\n   - four five six\n2. seven\n\n   eight\n9. nine\n10. ten";
    assert_eq!(
        words(markdown, 12, false),
        [
            "1. one two",
            "   three",
            "   • four",
            "     five",
            "     six",
            "",
            "2. seven",
            "",
            "   eight",
            "",
            "3. nine",
            "",
            "4. ten"
        ]
    );
    assert_eq!(words("- a\n- b\n  - c\n\ntext", 20, true), ["- a", "- b", "  - c", "", "text"]);
    assert_eq!(words("- \n- b", 20, true), ["- ", "- b"]);
}

#[test]
fn quotes_are_marked_on_every_row_and_between_their_paragraphs() {
    assert_eq!(
        words("before\n\n> one two\n>\n> three\n>\n> > four\n\nafter", 8, false),
        ["before", "", "│ one", "│ two", "│ ", "│ three", "│ ", "│ │ four", "", "after"]
    );
    assert_eq!(words("> one", 8, true), ["> one"]);
}

#[test]
fn links_show_their_target_unless_it_is_their_text() {
    assert_eq!(words("[a](https://x.y)", 40, false), ["a <https://x.y>"]);
    assert_eq!(words("<https://x.y> [b]() <a@b.c>", 40, false), ["https://x.y b a@b.c"]);
    assert_eq!(words("![a cat](cat.png) ![](cat.png)", 40, false), ["[image: a cat] [image]"]);
}

#[test]
fn code_keeps_its_lines_and_marks_where_they_were_cut() {
    assert_eq!(words("```\nif  a {\n\n    b1234567\n```", 12, false), ["  if  a {", "  ", "      b12345", "↳ 67"]);
    assert_eq!(words("    x\n\ty", 12, true), ["  x", "  y"]);
}

#[test]
fn tables_fit_are_narrowed_or_become_lines() {
    let table = "| n | what it is |\n|--:|:--:|\n| 1 | a leader of all |\n| 12 | *x* |";
    assert_eq!(
        words(table, 40, false).iter().map(|row| row.trim_end()).collect::<Vec<_>>(),
        [" n    what it is", "──  ───────────────", " 1  a leader of all", "12         x"]
    );
    assert_eq!(
        words(table, 14, false).iter().map(|row| row.trim_end()).collect::<Vec<_>>(),
        [" n  what it is", "──  ──────────", " 1   a leader", "      of all", "12      x"]
    );
    assert_eq!(
        words(table, 9, false),
        ["n: 1", "what it i", "  a", "  leader", "  of all", "", "n: 12", "what it i", "  x"]
    );
    assert_eq!(words(table, 40, true), ["n: 1", "what it is: a leader of all", "", "n: 12", "what it is: x"]);
}

#[test]
fn nothing_in_a_document_moves_the_cursor() {
    let hostile = "# a\u{1b}[2J\n\n`b\u{202e}`\n\n```\nc\u{7}\n```\n\n[d\u{9b}](e\u{1b})\n\n<b\u{1b}>";
    for line in words(hostile, 40, false) {
        assert_eq!(text::clean(&line), line);
    }
}

#[test]
fn a_match_is_found_within_a_cell_and_over_a_break() {
    let mut view = MarkdownView::new(SAMPLE);
    view.act(&FIND);
    view.paste("LITTLE BEHIND the leader");
    assert!(shown(&view, 60, 14, &dark()).contains("1 of 1"));
    press(&mut view, "ctrl-u");
    view.paste("node");
    assert!(shown(&view, 60, 14, &dark()).contains("1 of 3"));
    press(&mut view, "enter");
    view.act(&NEXT_MATCH);
    let picture = shown(&view, 60, 14, &dark());
    assert!(picture.contains("2 of 3") && picture.contains("lag in"), "{picture}");
    view.act(&BACK);
    view.act(&TOP);
    assert!(shown(&view, 60, 14, &dark()).starts_with("Consensus"));
}

#[test]
fn the_end_is_at_the_bottom_of_the_screen() {
    let mut view = MarkdownView::new(SAMPLE);
    shown(&view, 80, 10, &dark());
    view.act(&BOTTOM);
    let bottom = shown(&view, 80, 10, &dark());
    assert_eq!(bottom.lines().nth(9), Some("[1] Three states."), "{bottom}");
    view.act(&DOWN);
    assert_eq!(shown(&view, 80, 10, &dark()), bottom);
    assert!(shown(&view, 80, 100, &dark()).starts_with("Consensus"), "it all fits");
}

#[test]
fn of_a_long_document_only_what_is_near_the_screen_is_laid_out() {
    let mut view = MarkdownView::new(&SAMPLE.repeat(800));
    shown(&view, 80, 24, &dark());
    view.act(&BOTTOM);
    shown(&view, 80, 24, &dark());
    assert!(view.reading.laid_out_count() < 60);
}

#[test]
fn it_is_drawn_well_at_every_size() {
    let mut view = MarkdownView::new(SAMPLE);
    insta::assert_snapshot!("markdown_80x24", shown(&view, 80, 24, &dark()));
    insta::assert_snapshot!("markdown_40x12", shown(&view, 40, 12, &dark()));
    view.act(&FIND);
    view.paste("leader");
    insta::assert_snapshot!("markdown_whole_80x60", shown(&view, 80, 60, &dark()));
    insta::assert_snapshot!("markdown_plain", shown(&view, 60, 60, &Look::new(ThemeName::Mono, true)));
}

proptest::proptest! {
    #[test]
    fn any_document_fits_any_width(markdown in "[-#>*_`|~a-c漢 :1.\\[\\]()<!\n\t]{0,120}", width in 0_u16..60, plain: bool) {
        for line in lines(&markdown, width, &Look::new(ThemeName::Dark, plain)) {
            proptest::prop_assert!(line.width() <= usize::from(width.max(2)), "{line:?}");
        }
    }

    #[test]
    fn any_steps_at_any_size_are_survived(
        steps in proptest::collection::vec(0_usize..13, 0..30),
        width in 0_u16..300,
        height in 0_u16..100,
    ) {
        let mut view = MarkdownView::new(SAMPLE);
        for (at, step) in steps.into_iter().enumerate() {
            match step {
                0 => view.paste("an"),
                1 => press(&mut view, "backspace"),
                2 => press(&mut view, "enter"),
                3 => view.set(if at % 2 == 0 { "" } else { SAMPLE }),
                other => {
                    let actions = [DOWN, UP, PAGE_DOWN, PAGE_UP, BOTTOM, TOP, FIND, NEXT_MATCH, PREVIOUS_MATCH];
                    view.act(&actions[other - 4]);
                }
            }
            let (width, height) = if at % 2 == 0 { (width, height) } else { (height, width / 3) };
            draw(width, height, &Look::new(ThemeName::Dark, at % 3 == 0), |area, canvas| view.view(area, canvas, true));
        }
    }
}

#[test]
fn a_message_keeps_its_lines_and_is_markdown_otherwise() {
    let text = "First line\nsecond **line**\n\n- an item\n- another";
    let look = Look::new(ThemeName::Mono, false);
    let shown: Vec<String> = message(text, 40, &look).iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["First line", "second line", "", "• an item", "• another"]);
    assert_eq!(words(text, 40, false)[0], "First line second line");
}
