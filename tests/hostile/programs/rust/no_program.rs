// Builds, but as a library: what the build leaves cannot be started.
// expect: runtime_error compile_error
#![crate_type = "lib"]

pub fn main() {}
