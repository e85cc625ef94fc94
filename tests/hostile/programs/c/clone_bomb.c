// Clones processes that share memory, files and signals, in groups of their own.
// limits: wall_s=1
// test: {"argv": ["bomb"], "stdout": "held"} -> time_limit
// test: {"argv": ["rest"], "stdout": "held"} -> accepted
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int child(void *stack)
{
    (void)stack;
    setsid();
    for (;;)
        ;
}

int main(int argc, char **argv)
{
    while (argc > 1 && !strcmp(argv[1], "bomb"))
        clone(child, (char *)malloc(65536) + 65536, CLONE_VM | CLONE_FILES | CLONE_FS | SIGCHLD, 0);
    puts("held");
}
