// Ends by a signal that the kernel did not send: for CPU time, for a file's size, for memory.
// test: {"argv": ["a"], "stdout": "held"} -> runtime_error
// test: {"argv": ["aa"], "stdout": "held"} -> runtime_error
// test: {"argv": ["aaa"], "stdout": "held"} -> runtime_error
// says: SIGABRT
// says: SIGXFSZ
// says: SIGKILL
#include <signal.h>
#include <string.h>

int main(int argc, char **argv)
{
    (void)argc;
    raise((int[]){0, SIGABRT, SIGXFSZ, SIGKILL}[strlen(argv[1])]);
}
