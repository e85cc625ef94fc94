// Makes and enters namespaces, in which it would be root.
// expect: accepted
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

static int child(void *nothing)
{
    (void)nothing;
    return 0;
}

int main(void)
{
    static char stack[65536], arguments[88];
    int flags[] = {CLONE_NEWUSER, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWUTS, CLONE_NEWIPC,
        CLONE_NEWCGROUP, CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET, 0x80};
    int made = 0;
    for (unsigned i = 0; i < sizeof flags / sizeof *flags; i++) {
        made += unshare(flags[i]) == 0;
        if (flags[i] != 0x80)
            made += clone(child, stack + sizeof stack, flags[i] | SIGCHLD, 0) > 0;
        *(long *)arguments = flags[i];
        made += syscall(SYS_clone3, arguments, sizeof arguments) >= 0;
    }
    const char *names[] = {"/proc/1/ns/mnt", "/proc/1/ns/user", "/proc/self/ns/user"};
    for (int i = 0; i < 3; i++) {
        int fd = open(names[i], O_RDONLY);
        made += fd >= 0 && setns(fd, 0) == 0;
    }
    printf(made ? "made %d\n" : "held\n", made);
}
