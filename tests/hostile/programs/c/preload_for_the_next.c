// Leaves a library and settings that would be loaded into the next test.
// test: {"stdout": "held"} -> accepted
// test: {"stdout": "held"} -> accepted
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int main(void)
{
    const char *names[] = {"libc.so.6", "libm.so.6", "preload.so", ".profile", ".bashrc", "gconv-modules"};
    int seen = getenv("LD_PRELOAD") || getenv("LD_LIBRARY_PATH") || getenv("LD_AUDIT")
        || getenv("GCONV_PATH");
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        seen |= access(names[i], F_OK) == 0;
        FILE *file = fopen(names[i], "w");
        if (file) {
            fputs("\177ELF", file);
            fclose(file);
        }
    }
    setenv("LD_PRELOAD", "/work/cell/preload.so", 1);
    setenv("LD_LIBRARY_PATH", "/work/cell", 1);
    seen |= fopen("/etc/ld.so.preload", "a") != 0;
    puts(seen ? "seen" : "held");
}
