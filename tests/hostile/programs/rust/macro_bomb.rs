// Doubles what a macro expands to, until time or memory ends.
// build_s: 6
// expect: compile_error
// says: the build
macro_rules! twice {
    ([] $($x:tt)*) => { $($x)* };
    ([$a:tt $($rest:tt)*] $($x:tt)*) => { twice!([$($rest)*] $($x)* $($x)*) };
}
fn main() {
    twice!([1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30] ;);
}
