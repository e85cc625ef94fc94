// Sends every signal to pid 1, by every call there is for it.
// test: {"stdout": "held"} -> accepted
// test: {"stdout": "held"} -> accepted
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(void)
{
    int sent = 0;
    siginfo_t info = {.si_code = SI_QUEUE, .si_signo = 9};
    int fd = (int)syscall(SYS_pidfd_open, 1, 0);
    for (int number = 1; number < 65; number++) {
        sent += kill(1, number) == 0;
        sent += syscall(SYS_tgkill, 1, 1, number) == 0;
        sent += syscall(SYS_tkill, 1, number) == 0;
        sent += syscall(SYS_rt_sigqueueinfo, 1, number, &info) == 0;
        sent += fd >= 0 && syscall(SYS_pidfd_send_signal, fd, number, 0, 0) == 0;
    }
    printf(sent ? "sent %d\n" : "held\n", sent);
}
