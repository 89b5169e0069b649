//! One node of a Lectern cluster.

fn main() {
    lectern_server::fatal::abort_on_panic();
}
