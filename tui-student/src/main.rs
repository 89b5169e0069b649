//! tui-student
fn main() {}
