// Stops its parent, its group and itself, over and over.
// limits: wall_s=1
// expect: time_limit
#include <signal.h>
#include <unistd.h>

int main(void)
{
    fork();
    for (;;) {
        kill(getppid(), SIGSTOP);
        kill(0, SIGSTOP);
        raise(SIGSTOP);
    }
}
