//! tui-instructor
fn main() {}
