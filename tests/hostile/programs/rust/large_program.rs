// Makes a program that fits the build's space but not the memory of the tests.
// limits: memory_mb=16
// test: {"stdout": "held"} -> compile_error memory_limit
// says: 
static AREA: [u8; 50 << 20] = [1; 50 << 20];
fn main() {
    println!("{}", AREA[std::env::args().count()]);
}
