// Is nested deeper than the compiler's stack.
// build_s: 20
// expect: compile_error
// says: error
// append: {"text": "(", "times": 2000000}
int x =
