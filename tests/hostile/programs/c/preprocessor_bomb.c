// Includes itself over and over.
// build_s: 3
// expect: compile_error
// says: the build
#if __INCLUDE_LEVEL__ < 100
#include __FILE__
#include __FILE__
#endif
#if __INCLUDE_LEVEL__ == 0
int main(void) { }
#endif
