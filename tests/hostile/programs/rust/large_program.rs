// Makes a program that fits the build's space but not the memory of the tests.
// limits: memory_mb=16
// expect: compile_error memory_limit
static AREA: [u8; 24 << 20] = {
    let mut area = [0; 24 << 20];
    area[1] = 1;
    area
};
fn main() {
    println!("{}", AREA[std::env::args().count() + (1 << 20)]);
}
