// Includes what only root may read, so that the compiler quotes it.
// expect: compile_error
// says: fatal error
#include "/proc/1/environ"
#include "/etc/shadow"
int main(void) { }
