// Includes what has nothing to read yet, so that the build waits.
// build_s: 3
// expect: compile_error
// says: /dev/
#include "/dev/stdin"
#include "/dev/tty"
int main(void) { puts("held"); }
