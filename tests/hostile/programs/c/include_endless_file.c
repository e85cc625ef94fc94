// Includes a device that never ends.
// build_s: 10
// expect: compile_error
// says: the build
#include "/dev/zero"
int main(void) { }
