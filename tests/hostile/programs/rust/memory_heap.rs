// Takes memory until there is none.
// expect: memory_limit
fn main() {
    let mut taken: Vec<Vec<u8>> = Vec::new();
    loop {
        taken.push(vec![1; 1 << 20]);
    }
}
