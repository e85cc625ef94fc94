// Divides by zero, overflows, reads nothing, and is no number.
// entry: f
// test: {"call": {"args": [0]}, "returns": 42.0} -> runtime_error
// test: {"call": {"args": [1]}, "returns": 42.0} -> runtime_error
// test: {"call": {"args": [2]}, "returns": 42.0} -> runtime_error
// test: {"call": {"args": [3]}, "returns": 42.0, "compare": "float"} -> wrong_answer
// test: {"call": {"args": [4]}, "returns": 42.0, "compare": "float"} -> wrong_answer
// says: SIGFPE
// says: SIGSEGV
#include <limits.h>
#include <math.h>

double f(int x)
{
    volatile int zero = 0, least = INT_MIN, minus = -1;
    volatile int *volatile nothing = 0;
    if (x == 0)
        return (x + 7) / zero;
    if (x == 1)
        return least / minus;
    if (x == 2)
        return *nothing;
    return x == 3 ? NAN : INFINITY;
}
