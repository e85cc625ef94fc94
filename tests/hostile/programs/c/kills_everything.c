// Kills all processes from several children at once.
// test: {"stdout": "held"} -> runtime_error accepted
// test: {"stdout": "held"} -> runtime_error accepted
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

int main(void)
{
    for (int i = 0; i < 3; i++)
        fork();
    kill(-1, SIGKILL);
    puts("held");
}
