// Includes the compiler's own environment, and arguments, which the compiler might quote.
// expect: accepted
#include "/proc/self/environ"
#include "/proc/self/cmdline"
#include <stdio.h>

int main(void) { puts("held"); }
