// Forges in the constructor of a global object, before main, and leaves.
// entry: f
// test: {"call": {"args": [1]}, "returns": 42} -> wrong_answer
// test: {"code": "assert(f(1) == 42);"} -> cooperative
#include <cstdio>
#include <unistd.h>

struct Before {
    Before()
    {
        const char text[] = "{\"completed\": true}";
        if (write(3, text, sizeof text - 1) > 0)
            puts("PASS");
        std::fflush(stdout);
        _exit(0);
    }
} before;

int f(int x) { return x + 40; }
