// Declares 1 GB that costs nothing to build, and touches it.
// expect: memory_limit
#include <string.h>

static volatile char area[1 << 30];

int main(void)
{
    for (size_t at = 0; at < sizeof area; at += 4096)
        area[at] = 1;
}
