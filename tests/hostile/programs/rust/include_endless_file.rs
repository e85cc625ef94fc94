// Compiles into itself a device that never ends.
// build_s: 15
// expect: compile_error
// says: build
const ZERO: &[u8] = include_bytes!("/dev/zero");
fn main() {
    println!("{}", ZERO.len());
}
