//! tui-monitor
fn main() {}
