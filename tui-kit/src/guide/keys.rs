//! The keys of a program as a chapter in Markdown.

use std::fmt::Write as _;

use crate::action::{GLOBAL, Group, Scope};

/// For each screen its actions with their keys; what works everywhere comes once, last.
pub fn keys(program: &str, scopes: &[Scope]) -> String {
    let mut text = format!(
        "# Keys of {program}\n\nMade from the program's own declarations. `keys.toml` in the configuration directory changes them:\nthe table is the name in brackets, the entry the name of the action.\n"
    );
    for scope in scopes {
        let _ = write!(text, "\n## {}\n", scope.title);
        for group in scope.groups {
            push_group(&mut text, group);
        }
    }
    text.push_str("\n## Everywhere\n");
    push_group(&mut text, &GLOBAL);
    text
}

fn push_group(text: &mut String, group: &Group) {
    let _ = write!(text, "\n{} (`[{}]`)\n\n| keys | action | what it does |\n|---|---|---|\n", group.title, group.name);
    for action in group.actions {
        let keys: Vec<String> = action.keys.iter().map(|key| format!("`{}`", key.replace('|', "\\|"))).collect();
        let _ = writeln!(text, "| {} | `{}` | {} |", keys.join(" "), action.name, action.help.replace('|', "\\|"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::LIST;

    #[test]
    fn every_action_is_in_the_guide_with_its_keys() {
        const SCOPES: &[Scope] = &[Scope { name: "home", title: "Home", groups: &[&LIST] }];
        let text = keys("lectern-student", SCOPES);
        for action in SCOPES[0].actions() {
            assert!(text.contains(&format!("`{}` | {}", action.name, action.help)), "{action:?}");
        }
        assert!(text.contains("| `j` `down` | `down` |"));
        assert_eq!(text.matches("Go one level back").count(), 1);
    }
}
