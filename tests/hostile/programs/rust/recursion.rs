// Recurses until the stack ends.
// expect: runtime_error memory_limit
fn deeper(n: u64) -> u64 {
    let frame = std::hint::black_box([n; 512]);
    deeper(n + 1) + frame[(n % 512) as usize]
}
fn main() {
    println!("{}", deeper(0));
}
