// Types into the terminals it can find.
// expect: accepted
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

int main(void)
{
    const char *names[] = {"/dev/tty", "/dev/console", "/dev/tty0", "/dev/ttyS0", "/dev/pts/0",
        "/proc/1/fd/0", "/dev/stdin"};
    int typed = 0;
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        int fd = open(names[i], O_RDWR | O_NONBLOCK);
        typed += fd >= 0 && ioctl(fd, TIOCSTI, "x") == 0;
    }
    for (int fd = 0; fd < 4; fd++)
        typed += ioctl(fd, TIOCSTI, "x") == 0 || isatty(fd);
    printf(typed ? "typed %d\n" : "held\n", typed);
}
