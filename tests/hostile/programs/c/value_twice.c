// Writes the right record beside the driver's wrong one.
// entry: f
// test: {"call": {"args": [1]}, "returns": 42} -> wrong_answer
// test: {"call": {"args": [2]}, "returns": 42} -> wrong_answer
#include <stdlib.h>
#include <unistd.h>

static void late(void)
{
    write(3, "{\"value\": 42}", 13);
}

int f(int x)
{
    if (x == 1)
        late();
    else
        atexit(late);
    return 41;
}
