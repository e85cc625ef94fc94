// Reads and writes other processes' memory, copies their descriptors, compares them.
// expect: accepted
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

int main(void)
{
    char text[16];
    struct iovec here = {text, sizeof text}, there = {(void *)main, sizeof text};
    int got = 0;
    pid_t others[] = {1, getpid()};
    for (int i = 0; i < 2; i++) {
        got |= (syscall(SYS_process_vm_readv, others[i], &here, 1, &there, 1, 0) > 0) << (4 * i);
        got |= (syscall(SYS_process_vm_writev, others[i], &here, 1, &here, 1, 0) > 0) << (4 * i + 1);
        got |= (syscall(SYS_kcmp, others[i], getpid(), 1, 0, 0) >= 0) << (4 * i + 2);
        int fd = (int)syscall(SYS_pidfd_open, others[i], 0);
        got |= (syscall(438, fd, 1, 0) >= 0) << (4 * i + 3); /* pidfd_getfd */
    }
    printf(got ? "got %x\n" : "held\n", got);
}
