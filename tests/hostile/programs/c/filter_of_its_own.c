// Lays a system call filter over itself that lies, traps and kills.
// test: {"argv": ["kill"], "stdout": "held"} -> runtime_error
// test: {"argv": ["rest"], "stdout": "held"} -> accepted
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    struct sock_filter code[] = {{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_KILL_PROCESS}};
    struct sock_fprog program = {1, code};
    if (argc > 1 && !strcmp(argv[1], "kill"))
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
    puts("held");
}
