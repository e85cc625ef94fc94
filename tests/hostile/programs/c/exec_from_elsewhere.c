// Runs programs from shared memory and from no file at all, and makes memory executable.
// expect: accepted
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(void)
{
    int got = 0;
    got |= open("/dev/shm/x", O_RDWR | O_CREAT, 0700) >= 0;
    got |= (open("/dev/mqueue/x", O_RDWR | O_CREAT, 0700) >= 0) << 1;
    got |= (syscall(SYS_memfd_create, "x", 0) >= 0) << 2;
    got |= (syscall(SYS_shmget, 0, 4096, 0700) >= 0) << 3;
    got |= (syscall(SYS_mq_open, "/x", O_RDWR | O_CREAT, 0600, 0) >= 0) << 4;
    got |= (syscall(SYS_semget, 0, 1, 0600) >= 0) << 5;
    got |= (syscall(SYS_msgget, 0, 0600) >= 0) << 6;
    printf(got ? "got %x\n" : "held\n", got);
}
