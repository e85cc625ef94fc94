// Waits in the kernel for a vforked child that never lets go.
// limits: wall_s=1
// test: {"argv": ["wait"], "stdout": "held"} -> time_limit
// test: {"argv": ["rest"], "stdout": "held"} -> accepted
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "wait") && vfork() == 0)
        for (;;)
            pause();
    puts("held");
}
