// Fills shared anonymous memory from many children, so that no one of them is large.
// expect: memory_limit runtime_error time_limit
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
    char *area = mmap(0, 1 << 30, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < 32; i++)
        if (fork() == 0) {
            memset(area + ((size_t)i << 25), 1, 1 << 25);
            _exit(0);
        }
    int failed = 0;
    for (int status; wait(&status) > 0;)
        failed += status != 0;
    memset(area, 1, 1 << 30);
    puts(failed ? "held" : "took 1 GB");
}
