// Has the compiler complain without end.
// build_s: 10
// expect: compile_error
// says: the build wrote too much
// append: {"text": "#warning complaining without end, so that the report fills whatever keeps it\n", "times": 20000}
int main(void) { }
