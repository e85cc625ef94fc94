// Raises its limits and lowers the runner's.
// expect: accepted
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/resource.h>

int main(void)
{
    struct rlimit endless = {RLIM_INFINITY, RLIM_INFINITY}, none = {0, 0};
    int which[] = {RLIMIT_NOFILE, RLIMIT_FSIZE, RLIMIT_CORE, RLIMIT_CPU, RLIMIT_STACK};
    int done = 0;
    for (int i = 0; i < 5; i++) {
        done += setrlimit(which[i], &endless) == 0;
        done += prlimit(1, which[i], &none, 0) == 0;
        done += prlimit(1, which[i], 0, &none) == 0;
    }
    printf(done ? "did %d\n" : "held\n", done);
}
