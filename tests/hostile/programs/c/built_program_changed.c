// Overwrites, moves and unlinks the built program, so that the next test runs another.
// test: {"stdout": "held"} -> accepted
// test: {"stdout": "held"} -> accepted
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

int main(void)
{
    const char *names[] = {"/work/build/solution", "/proc/self/exe", "/work/src/solution.c",
        "/opt/calisota/runner", "/lib/x86_64-linux-gnu/libc.so.6", "/work/build", "/etc/ld.so.preload"};
    int changed = 0;
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        changed += open(names[i], O_WRONLY) >= 0;
        changed += open(names[i], O_WRONLY | O_CREAT, 0600) >= 0;
        changed += truncate(names[i], 0) == 0;
        changed += chmod(names[i], 0777) == 0;
        changed += rename(names[i], "taken") == 0;
        changed += unlink(names[i]) == 0;
        changed += rename("/work/cell/solution.c", names[i]) == 0;
    }
    changed += symlink("/bin/true", "/work/build/other") == 0;
    printf(changed ? "changed %d\n" : "held\n", changed);
}
