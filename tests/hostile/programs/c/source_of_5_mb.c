// Is 5 MB of initializers.
// build_s: 20
// test: {"stdout": "held"} -> accepted
// append: {"text": "static int next(void); static int next(void);\n", "times": 100000}
#include <stdio.h>

int main(void) { puts("held"); }
