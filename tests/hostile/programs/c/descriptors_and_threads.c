// Takes every descriptor and every thread, and keeps them while it ends.
// test: {"stdout": "held"} -> accepted
// test: {"stdout": "held"} -> accepted
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static void *wait_for_ever(void *nothing)
{
    for (;;)
        pause();
    return nothing;
}

int main(void)
{
    int files = 0, threads = 0;
    pthread_t thread;
    while (files < 5000 && open("/dev/null", O_RDONLY) >= 0)
        files++;
    while (threads < 5000 && pthread_create(&thread, 0, wait_for_ever, 0) == 0)
        threads++;
    if (files < 256 && threads < 64)
        puts("held");
    fflush(stdout);
    _exit(0);
}
