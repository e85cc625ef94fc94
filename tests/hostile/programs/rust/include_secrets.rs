// Compiles into itself what only root may read.
// expect: compile_error
// says: couldn't read
const SHADOW: &str = include_str!("/etc/shadow");
const RUNNER: &[u8] = include_bytes!("/proc/1/environ");
fn main() {
    println!("{SHADOW} {RUNNER:?}");
}
