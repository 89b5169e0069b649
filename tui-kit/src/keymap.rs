//! Which key does what: the declared keys, changed by a person's `keys.toml`. Conflicts are refused with names.
//!
//! ```toml
//! [list]
//! down = ["j", "down", "ctrl-n"]
//! ```

use std::collections::{BTreeMap, HashMap};

use crate::action::{Action, Scope};
use crate::chord::Chord;
use crate::cluster;

/// What is wrong with a keymap.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeymapError {
    /// The file is not TOML of the right form.
    #[error("{message}")]
    Syntax {
        /// Where and why.
        message: String,
    },
    /// A name that no screen declares.
    #[error("`{name}` is no action; `lectern-… keys` lists them")]
    Unknown {
        /// As written: `list.dwon`.
        name: String,
    },
    /// Two actions of one screen on one key.
    #[error("on the screen `{screen}` the key `{key}` would do two things: {first} and {second}; change one of them")]
    Conflict {
        /// The screen's name.
        screen: &'static str,
        /// The key.
        key: String,
        /// `group.action`.
        first: String,
        /// `group.action`.
        second: String,
    },
}

/// Keys by group and action name; what is absent keeps its declared keys.
type Overrides = BTreeMap<String, BTreeMap<String, Vec<String>>>;

/// The keys in effect.
#[derive(Debug)]
pub struct Keymap {
    /// By screen and key.
    bound: HashMap<(&'static str, Chord), &'static Action>,
    /// By screen and action name: the keys, the shown one first.
    keys: HashMap<(&'static str, &'static str), Vec<Chord>>,
}

impl Keymap {
    /// The declared keys of these screens, changed by `overrides` (the text of `keys.toml`, empty where there is none).
    pub fn new(scopes: &'static [Scope], overrides: &str) -> Result<Self, KeymapError> {
        let overrides: Overrides = toml::from_str(overrides)
            .map_err(|error| KeymapError::Syntax { message: error.to_string().trim_end().to_owned() })?;
        check_names(scopes, &overrides)?;
        let mut keymap = Self { bound: HashMap::new(), keys: HashMap::new() };
        for scope in with_kit(scopes) {
            keymap.bind(scope, &overrides)?;
        }
        Ok(keymap)
    }

    fn bind(&mut self, scope: &'static Scope, overrides: &Overrides) -> Result<(), KeymapError> {
        let mut owners: HashMap<Chord, String> = HashMap::new();
        for group in scope.all_groups() {
            for action in group.actions {
                let chords = chords(group.name, action, overrides)?;
                let owner = format!("{}.{}", group.name, action.name);
                for chord in &chords {
                    if let Some(first) = owners.insert(*chord, owner.clone()) {
                        let key = chord.to_string();
                        return Err(KeymapError::Conflict { screen: scope.name, key, first, second: owner });
                    }
                    self.bound.insert((scope.name, *chord), action);
                }
                self.keys.insert((scope.name, action.name), chords);
            }
        }
        Ok(())
    }

    /// What a key does on a screen.
    pub fn action(&self, scope: &Scope, chord: Chord) -> Option<&'static Action> {
        self.bound.get(&(scope.name, chord)).copied()
    }

    /// The keys of an action on a screen, the shown one first.
    pub fn keys(&self, scope: &Scope, action: &Action) -> &[Chord] {
        self.keys.get(&(scope.name, action.name)).map_or(&[], Vec::as_slice)
    }

    /// The key that is shown for an action; empty where a person has taken all its keys away.
    pub fn shown(&self, scope: &Scope, action: &Action) -> String {
        self.keys(scope, action).first().map(ToString::to_string).unwrap_or_default()
    }

    /// The key that is shown while text is typed: characters are text then.
    pub fn shown_in_text(&self, scope: &Scope, action: &Action) -> String {
        let mut keys = self.keys(scope, action).iter().filter(|_| action.in_text);
        keys.find(|chord| !chord.is_character()).map(ToString::to_string).unwrap_or_default()
    }
}

/// A program's screens, and the kit's own.
fn with_kit(scopes: &'static [Scope]) -> impl Iterator<Item = &'static Scope> {
    scopes.iter().chain(std::iter::once(&cluster::SCOPE))
}

fn check_names(scopes: &'static [Scope], overrides: &Overrides) -> Result<(), KeymapError> {
    for (group_name, actions) in overrides {
        for action_name in actions.keys() {
            let known = with_kit(scopes)
                .flat_map(Scope::all_groups)
                .any(|group| group.name == group_name && group.actions.iter().any(|action| action.name == action_name));
            if !known {
                return Err(KeymapError::Unknown { name: format!("{group_name}.{action_name}") });
            }
        }
    }
    Ok(())
}

fn chords(group: &str, action: &Action, overrides: &Overrides) -> Result<Vec<Chord>, KeymapError> {
    let changed = overrides.get(group).and_then(|actions| actions.get(action.name));
    let parse = |key: &str| {
        key.parse().map_err(|why| KeymapError::Syntax { message: format!("{group}.{}: {why}", action.name) })
    };
    match changed {
        Some(keys) => keys.iter().map(|key| parse(key)).collect(),
        None => action.keys.iter().map(|key| parse(key)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::{DOWN, FORM, Group, LIST, QUIT, SEND};

    const SCOPES: &[Scope] = &[
        Scope { name: "home", title: "Home", groups: &[&LIST] },
        Scope { name: "form", title: "A form", groups: &[&FORM] },
    ];

    fn chord(text: &str) -> Chord {
        text.parse().unwrap()
    }

    #[test]
    fn declared_keys_work_on_their_screens_only() {
        let keymap = Keymap::new(SCOPES, "").unwrap();
        assert_eq!(keymap.action(&SCOPES[0], chord("j")), Some(&DOWN));
        assert_eq!(keymap.action(&SCOPES[1], chord("j")), None);
        assert_eq!(keymap.action(&SCOPES[1], chord("ctrl-s")), Some(&SEND));
        assert_eq!(keymap.action(&SCOPES[1], chord("q")), Some(&QUIT));
        assert_eq!(keymap.shown(&SCOPES[0], &DOWN), "j");
    }

    #[test]
    fn a_person_can_change_keys() {
        let keymap = Keymap::new(SCOPES, "[list]\ndown = ['ctrl-n']").unwrap();
        assert_eq!(keymap.action(&SCOPES[0], chord("j")), None);
        assert_eq!(keymap.action(&SCOPES[0], chord("ctrl-n")), Some(&DOWN));
    }

    #[test]
    fn conflicts_and_unknown_names_are_refused_by_name() {
        let conflict = Keymap::new(SCOPES, "[list]\ndown = ['q']").unwrap_err().to_string();
        assert!(conflict.contains("home") && conflict.contains("list.down") && conflict.contains("global.quit"));
        let unknown = Keymap::new(SCOPES, "[list]\ndwon = ['q']").unwrap_err().to_string();
        assert!(unknown.contains("list.dwon"));
        let no_key = Keymap::new(SCOPES, "[list]\ndown = ['retrun']").unwrap_err().to_string();
        assert!(no_key.contains("retrun") && no_key.contains("list.down"));
        assert!(Keymap::new(SCOPES, "list = 3").is_err());
    }

    #[test]
    fn the_declared_keys_of_one_screen_do_not_clash() {
        const TWICE: Group = Group { name: "twice", title: "", actions: &[Action::new("a", &["q"], "a", "A.")] };
        const CLASH: &[Scope] = &[Scope { name: "clash", title: "", groups: &[&TWICE] }];
        assert!(matches!(Keymap::new(CLASH, ""), Err(KeymapError::Conflict { screen: "clash", .. })));
    }
}
