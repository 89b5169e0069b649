//! A class to test with: a cluster, the administrator, an instructor, a student, one open course.

use std::fs;
use std::path::PathBuf;

use crate::cluster::Cluster;
use crate::program::Person;

/// Everybody signed in, `cs101` available, `ada` enrolled.
pub struct Class {
    /// The nodes.
    pub cluster: Cluster,
    /// `admin`.
    pub admin: Person,
    /// `noether`, instructor of `cs101`.
    pub instructor: Person,
    /// `ada`, student of `cs101`.
    pub student: Person,
}

impl Class {
    /// On a cluster of this many nodes.
    pub fn on(nodes: u32) -> Self {
        Self::of(Cluster::found(nodes))
    }

    /// On a cluster that was founded.
    pub fn of(mut cluster: Cluster) -> Self {
        cluster.start_all();
        let admin = cluster.admin();
        let instructor = cluster.account(&admin, "noether", "Emmy Noether");
        admin.run(&["course", "create", "cs101", "--title", "Invariants", "--instructor", "noether"]).ok();
        instructor.run(&["course", "publish", "cs101"]).ok();
        let student = cluster.account(&admin, "ada", "Ada Lovelace").with("lectern-student");
        instructor.run(&["roster", "add", "cs101", "ada"]).ok();
        Self { cluster, admin, instructor, student }
    }

    /// Creates `cs101/SLUG` for text and files, changed by further options.
    pub fn assignment(&self, slug: &str, options: &[&str]) {
        let name = format!("cs101/{slug}");
        let base = [
            "assignment",
            "create",
            &name,
            "--title",
            slug,
            "--type",
            "text",
            "--type",
            "files",
            "--type",
            "directory",
        ];
        self.instructor.run(&[&base[..], options].concat()).ok();
    }

    /// A further student of `cs101`, signed in.
    pub fn another_student(&self, username: &str) -> Person {
        let person = self.cluster.account(&self.admin, username, username).with("lectern-student");
        self.instructor.run(&["roster", "add", "cs101", username]).ok();
        person
    }

    /// Writes a file; returns its path as text.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path: PathBuf = self.cluster.path(name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).expect("the folder is writable");
        }
        fs::write(&path, content).expect("the folder is writable");
        path.to_str().expect("UTF-8").to_owned()
    }

    /// How many attempts a student has handed in.
    pub fn attempts(&self, student: &Person, assignment: &str) -> usize {
        let list = student.run(&["submission", "list", assignment]).json();
        list["attempts"].as_array().expect("attempts").len()
    }
}
