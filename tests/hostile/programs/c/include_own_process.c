// Includes the compiler's own environment, arguments and memory, which the compiler might quote.
// expect: accepted
#include "/proc/self/environ"
#include "/proc/self/cmdline"
#include "/proc/self/fd/1"
#include <stdio.h>

int main(void) { puts("held"); }
