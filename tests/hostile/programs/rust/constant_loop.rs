// Has the compiler compute without end.
// build_s: 12
// expect: compile_error
// says: build
#![allow(long_running_const_eval)]
const fn spin() -> u64 {
    let mut n: u64 = 0;
    while n < u64::MAX {
        n += 1;
    }
    n
}
const N: u64 = spin();
fn main() {
    println!("{N}");
}
