// Leaves processes of a few pages and memory in socket buffers, so that the runner is the largest.
// limits: memory_mb=128 wall_s=5
// test: {"stdout": "held"} -> memory_limit runtime_error time_limit wrong_answer
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static inline long call(long number, long a, long b, long c, void *d)
{
#ifdef __x86_64__
    register void *fourth __asm__("r10") = d;
    __asm__ volatile("syscall" : "+a"(number) : "D"(a), "S"(b), "d"(c), "r"(fourth)
        : "rcx", "r11", "memory");
    return number;
#else
    return syscall(number, a, b, c, d);
#endif
}

static char line[512], bytes[4096];
static long ranges[64][2];

int main(void)
{
    char rights[8];
    int pair[2], count = 0, score = open("/proc/self/oom_score_adj", O_WRONLY);
    int file = open("full", O_CREAT | O_WRONLY, 0600);
    write(score, "0", 1);
    while (write(file, bytes, sizeof bytes) > 0)
        ;
    for (FILE *maps = fopen("/proc/self/maps", "r"); fgets(line, sizeof line, maps);)
        if (sscanf(line, "%lx-%lx %7s", &ranges[count][0], &ranges[count][1], rights) == 3)
            count += strstr(line, ".so") != NULL;
    int fills = fork() == 0;
    for (int i = 0; fills && i < 4; i++)
        fork();
#ifdef __x86_64__
    for (int i = 0; i < count; i++)
        call(SYS_munmap, ranges[i][0], ranges[i][1] - ranges[i][0], 0, NULL);
#endif
    while (fills && call(SYS_socketpair, AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) == 0)
        while (call(SYS_write, pair[0], (long)bytes, sizeof bytes, NULL) > 0)
            ;
    for (;;)
        call(SYS_sched_yield, 0, 0, 0, NULL);
}
