// Recurses until the stack ends.
// limits: memory_mb=256
// expect: runtime_error
// says: SIGSEGV
#include <string.h>

static int deeper(int n)
{
    volatile char frame[65536];
    memset((char *)frame, n, sizeof frame);
    return deeper(n + 1) + frame[n & 255];
}

int main(void)
{
    return deeper(0);
}
