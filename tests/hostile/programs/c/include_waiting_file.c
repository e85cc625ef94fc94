// Includes what has nothing to read yet, so that the build waits.
// build_s: 3
// expect: compile_error
// says: the build took too long
#include "/proc/self/fd/1"
int main(void) { puts("held"); }
