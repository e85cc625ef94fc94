// Includes the compiler's own environment and arguments, which the compiler then quotes.
// test: {"stdout": "held"} -> compile_error
// says: HOME=/work/build
#include "/proc/self/environ"
int main(void) { }
