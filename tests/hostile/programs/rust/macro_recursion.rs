// Expands a macro deeper and deeper.
// build_s: 20
// expect: compile_error
// says: recursion limit
macro_rules! deeper {
    ($($x:tt)*) => { deeper!($($x)* x) };
}
fn main() {
    deeper!();
}
