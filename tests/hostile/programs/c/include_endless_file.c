// Includes a device that never ends.
// build_s: 10
// expect: compile_error
// says: Killed
#include "/dev/zero"
int main(void) { }
