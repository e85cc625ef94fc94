// Puts itself before everyone else: real time, deadlines, priorities of others.
// expect: accepted
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(void)
{
    struct sched_param most = {.sched_priority = 99};
    char attributes[56] = {56, 0, 0, 0, 6};
    cpu_set_t all;
    CPU_ZERO(&all);
    CPU_SET(0, &all);
    int done = 0;
    done |= sched_setscheduler(0, SCHED_FIFO, &most) == 0;
    done |= (sched_setscheduler(0, SCHED_RR, &most) == 0) << 1;
    done |= (syscall(SYS_sched_setattr, 0, attributes, 0) == 0) << 2;
    done |= (setpriority(PRIO_USER, 10002, 19) == 0) << 3;
    done |= (setpriority(PRIO_PROCESS, 1, 19) == 0) << 4;
    done |= (sched_setaffinity(1, sizeof all, &all) == 0) << 5;
    done |= (syscall(SYS_ioprio_set, 1, 0, 1 << 13) == 0) << 6;
    printf(done ? "did %x\n" : "held\n", done);
}
