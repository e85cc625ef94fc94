// Ignores and blocks every signal, and sleeps in a child too.
// limits: wall_s=1
// expect: time_limit
#include <signal.h>
#include <unistd.h>

int main(void)
{
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, 0);
    for (int number = 1; number < 65; number++)
        signal(number, SIG_IGN);
    fork();
    for (;;)
        pause();
}
