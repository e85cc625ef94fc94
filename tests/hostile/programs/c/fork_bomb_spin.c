// Forks without end, and every child spins.
// limits: wall_s=1
// test: {"argv": ["bomb"], "stdout": "held"} -> time_limit
// test: {"argv": ["rest"], "stdout": "held"} -> accepted
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    while (argc > 1 && !strcmp(argv[1], "bomb"))
        fork();
    puts("held");
}
