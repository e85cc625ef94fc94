// Needs ever new types of itself.
// build_s: 20
// expect: compile_error
// says: error
fn deeper<T: std::fmt::Debug>(x: T, n: u64) {
    if n > 0 {
        deeper((x, 1), n - 1);
    }
}
fn main() {
    deeper(0, 10);
}
