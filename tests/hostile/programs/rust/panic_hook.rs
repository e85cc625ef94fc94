// Turns its own panic into a good end.
// entry: f
// test: {"call": {"args": [1]}, "returns": 42} -> runtime_error
// test: {"code": "assert_eq!(f(1), 42);"} -> runtime_error
// says: the program ended before
pub fn f(x: i64) -> i64 {
    std::panic::set_hook(Box::new(|_| std::process::exit(0)));
    panic!("wrong {x}");
}
