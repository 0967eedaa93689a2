//! Builds, boots and checks the workspace.
fn main() {}
