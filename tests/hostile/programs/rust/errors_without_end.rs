// Has the compiler complain without end.
// build_s: 20
// expect: compile_error
// says: the build wrote too much
// append: {"text": "compile_error!(\"complaining without end, so that the report fills whatever keeps it\");\n", "times": 3000}
fn main() {}
