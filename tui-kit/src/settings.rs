//! What a person may set: `tui.toml` and `keys.toml` in the configuration directory, `--plain`, `--theme`, `NO_COLOR`.

use std::fs;
use std::path::Path;

use jiff::tz::TimeZone;
use lectern_client::Dirs;
use serde::Deserialize;

use crate::action::Scope;
use crate::keymap::Keymap;
use crate::look::Look;
use crate::theme::ThemeName;

/// Options of the full-screen programs.
#[derive(clap::Args, Clone, Copy, Debug, Default)]
pub struct TuiArgs {
    /// Full screen for screen readers: no frames, ASCII only.
    #[arg(long, global = false)]
    pub plain: bool,
    /// Colours of the full screen: dark, light, high-contrast or mono.
    #[arg(long, value_name = "THEME", value_parser = theme_name)]
    pub theme: Option<ThemeName>,
}

fn theme_name(text: &str) -> Result<ThemeName, String> {
    match text {
        "dark" => Ok(ThemeName::Dark),
        "light" => Ok(ThemeName::Light),
        "high-contrast" => Ok(ThemeName::HighContrast),
        "mono" => Ok(ThemeName::Mono),
        _ => Err("write dark, light, high-contrast or mono".into()),
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct SettingsFile {
    theme: Option<ThemeName>,
    plain: bool,
    mouse: Option<bool>,
}

/// What is in effect.
#[derive(Debug)]
pub struct Settings {
    /// How it is drawn.
    pub look: Look,
    /// What keys do.
    pub keymap: Keymap,
    /// Whether clicks and the wheel are wanted; without, the terminal selects text by itself.
    pub mouse: bool,
}

impl Settings {
    /// Reads them. What is wrong is told with the file's name.
    pub fn load(dirs: &Dirs, args: TuiArgs, scopes: &'static [Scope]) -> Result<Self, String> {
        let path = dirs.config.join("tui.toml");
        let file: SettingsFile =
            toml::from_str(&read(&path)?).map_err(|error| format!("{}: {error}", path.display()))?;
        let keys = dirs.config.join("keys.toml");
        let keymap = Keymap::new(scopes, &read(&keys)?).map_err(|error| format!("{}: {error}", keys.display()))?;
        let plain = args.plain || file.plain;
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let theme = if no_colour { ThemeName::Mono } else { args.theme.or(file.theme).unwrap_or_default() };
        let mut look = Look::new(theme, plain);
        if !plain && !speaks_unicode() {
            look.glyphs = crate::look::Glyphs::ASCII;
        }
        look.zone = TimeZone::system();
        Ok(Self { look, keymap, mouse: file.mouse.unwrap_or(true) })
    }
}

/// A file's text, empty where there is none.
fn read(path: &Path) -> Result<String, String> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(format!("{}: {error}", path.display())),
    }
}

/// Whether the locale says that the terminal takes UTF-8. Without any word of it, it is taken to.
fn speaks_unicode() -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    locale.is_none_or(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}
