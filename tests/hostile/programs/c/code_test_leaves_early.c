// Leaves a code test before its assertion, and a suite before its report.
// entry: f
// test: {"code": "assert(f(1) == 42);"} -> runtime_error
// says: the program ended before the test did
#include <stdlib.h>

int f(int x)
{
    exit(x - x);
}
