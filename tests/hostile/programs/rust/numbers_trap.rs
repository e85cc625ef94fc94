// Overflows, divides by zero, indexes outside, is no number.
// entry: f
// test: {"call": {"args": [0]}, "returns": 42.0} -> runtime_error
// test: {"call": {"args": [1]}, "returns": 42.0} -> runtime_error
// test: {"call": {"args": [2]}, "returns": 42.0} -> runtime_error
// test: {"call": {"args": [3]}, "returns": 42.0, "compare": "float"} -> wrong_answer
// test: {"call": {"args": [4]}, "returns": 42.0, "compare": "float"} -> wrong_answer
// says: overflow
pub fn f(x: i32) -> f64 {
    let big = std::hint::black_box(i32::MAX);
    let items = vec![1, 2, 3];
    match x {
        0 => f64::from(big + x + 1),
        1 => f64::from(big / std::hint::black_box(x - 1)),
        2 => f64::from(items[std::hint::black_box(big as usize)]),
        3 => f64::NAN,
        _ => f64::INFINITY,
    }
}
