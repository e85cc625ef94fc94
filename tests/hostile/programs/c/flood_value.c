// Writes its value without end, from inside the call.
// entry: f
// test: {"call": {"args": [1]}, "returns": 42} -> output_limit
#include <unistd.h>

int f(int x)
{
    static char text[65536];
    for (;;)
        x += (int)write(3, text, sizeof text);
    return x;
}
