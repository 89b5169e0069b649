//! Colours by meaning: the terminal's own sixteen, so that a person's own scheme holds. Meaning never hangs on colour
//! alone: whatever is coloured is also a word, a mark, bold or reversed.

use ratatui::style::{Color, Modifier, Style};

/// A style for each meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Theme {
    /// Plain text.
    pub text: Style,
    /// What matters less: units, hints, dates that are far.
    pub dim: Style,
    /// Headings and the names of columns.
    pub title: Style,
    /// What a person should see first.
    pub accent: Style,
    /// The selected row or button where the keyboard is.
    pub selected: Style,
    /// The selected row of a pane that has not the keyboard.
    pub selected_away: Style,
    /// Frames of panes.
    pub border: Style,
    /// The frame of the pane that has the keyboard.
    pub focus: Style,
    /// Done, in time, healthy.
    pub good: Style,
    /// Soon, late, slow.
    pub warn: Style,
    /// Missing, failed, down.
    pub bad: Style,
    /// New, unread, under way.
    pub info: Style,
    /// The bar at the bottom.
    pub bar: Style,
    /// A key in the bar.
    pub key: Style,
    /// What a search found.
    pub found: Style,
}

/// The variants a person can choose (`theme` in `tui.toml`, or `--theme`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ThemeName {
    /// Light text on a dark ground.
    #[default]
    Dark,
    /// Dark text on a light ground.
    Light,
    /// Bright, bold and reversed; nothing is dim.
    HighContrast,
    /// No colour at all: what `NO_COLOR` gives.
    Mono,
}

impl Theme {
    /// The styles of a variant.
    pub fn named(name: ThemeName) -> Self {
        match name {
            ThemeName::Dark => Self::coloured(Color::Cyan, Color::DarkGray, Color::Yellow),
            ThemeName::Light => Self::coloured(Color::Blue, Color::DarkGray, Color::Magenta),
            ThemeName::HighContrast => Self::high_contrast(),
            ThemeName::Mono => Self::mono(),
        }
    }

    fn coloured(accent: Color, dim: Color, warn: Color) -> Self {
        let plain = Style::new();
        Self {
            text: plain,
            dim: plain.fg(dim),
            title: plain.add_modifier(Modifier::BOLD),
            accent: plain.fg(accent).add_modifier(Modifier::BOLD),
            selected: plain.add_modifier(Modifier::REVERSED),
            selected_away: plain.add_modifier(Modifier::UNDERLINED),
            border: plain.fg(dim),
            focus: plain.fg(accent),
            good: plain.fg(Color::Green),
            warn: plain.fg(warn),
            bad: plain.fg(Color::Red).add_modifier(Modifier::BOLD),
            info: plain.fg(accent),
            bar: plain.fg(dim),
            key: plain.fg(accent),
            found: plain.fg(Color::Black).bg(Color::Yellow),
        }
    }

    fn high_contrast() -> Self {
        let bold = Style::new().add_modifier(Modifier::BOLD);
        Self {
            text: bold,
            dim: Style::new(),
            title: bold.add_modifier(Modifier::UNDERLINED),
            accent: bold.fg(Color::LightCyan),
            selected: bold.add_modifier(Modifier::REVERSED),
            selected_away: bold.add_modifier(Modifier::UNDERLINED),
            border: Style::new(),
            focus: bold.fg(Color::LightYellow),
            good: bold.fg(Color::LightGreen),
            warn: bold.fg(Color::LightYellow),
            bad: bold.fg(Color::LightRed).add_modifier(Modifier::REVERSED),
            info: bold.fg(Color::LightCyan),
            bar: bold,
            key: bold.add_modifier(Modifier::REVERSED),
            found: bold.add_modifier(Modifier::REVERSED),
        }
    }

    fn mono() -> Self {
        let plain = Style::new();
        let bold = plain.add_modifier(Modifier::BOLD);
        Self {
            text: plain,
            dim: plain,
            title: bold,
            accent: bold,
            selected: plain.add_modifier(Modifier::REVERSED),
            selected_away: plain.add_modifier(Modifier::UNDERLINED),
            border: plain,
            focus: bold,
            good: plain,
            warn: bold,
            bad: bold.add_modifier(Modifier::UNDERLINED),
            info: bold,
            bar: plain,
            key: bold,
            found: plain.add_modifier(Modifier::REVERSED),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn styles(theme: &Theme) -> [Style; 15] {
        let Theme {
            text,
            dim,
            title,
            accent,
            selected,
            selected_away,
            border,
            focus,
            good,
            warn,
            bad,
            info,
            bar,
            key,
            found,
        } = *theme;
        [text, dim, title, accent, selected, selected_away, border, focus, good, warn, bad, info, bar, key, found]
    }

    #[test]
    fn mono_has_no_colour_and_no_variant_leaves_the_sixteen() {
        for style in styles(&Theme::named(ThemeName::Mono)) {
            assert_eq!((style.fg, style.bg), (None, None));
        }
        for name in [ThemeName::Dark, ThemeName::Light, ThemeName::HighContrast] {
            for style in styles(&Theme::named(name)) {
                for colour in [style.fg, style.bg].into_iter().flatten() {
                    assert!(!matches!(colour, Color::Rgb(..) | Color::Indexed(_)), "{name:?} {colour:?}");
                }
            }
        }
    }

    #[test]
    fn a_selection_is_seen_without_colour() {
        for name in [ThemeName::Dark, ThemeName::Light, ThemeName::HighContrast, ThemeName::Mono] {
            assert!(Theme::named(name).selected.add_modifier.contains(Modifier::REVERSED));
        }
    }
}
