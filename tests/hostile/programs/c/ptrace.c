// Traces the runner, a sibling and itself.
// expect: accepted
#include <signal.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <unistd.h>

int main(void)
{
    int traced = 0;
    pid_t child = fork();
    if (child == 0)
        for (;;)
            pause();
    traced |= ptrace(PTRACE_ATTACH, 1, 0, 0) == 0;
    traced |= (ptrace(PTRACE_ATTACH, child, 0, 0) == 0) << 1;
    traced |= (ptrace(PTRACE_SEIZE, child, 0, 0) == 0) << 2;
    traced |= (ptrace(PTRACE_TRACEME, 0, 0, 0) == 0) << 3;
    kill(child, SIGKILL);
    printf(traced ? "traced %d\n" : "held\n", traced);
}
