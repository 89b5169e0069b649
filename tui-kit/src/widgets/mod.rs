//! Parts of screens. Each keeps its own state, answers to the actions of its group, and draws itself into any area.
