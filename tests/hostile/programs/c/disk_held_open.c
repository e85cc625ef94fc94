// Fills the space with files that have no name any more, in children that stay.
// test: {"argv": ["fill"], "stdout": "held"} -> accepted
// test: {"argv": ["look"], "stdout": "held"} -> accepted
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char text[1 << 20];

int main(int argc, char **argv)
{
    long total = 0;
    for (int i = 0; i < 4 && argc > 1 && !strcmp(argv[1], "fill"); i++) {
        int fd = open("gone", O_WRONLY | O_CREAT, 0600);
        unlink("gone");
        for (ssize_t done; (done = write(fd, text, sizeof text)) > 0 && total < 16 << 20;)
            total += done;
        if (fork() == 0) {
            setsid();
            pause();
        }
    }
    int fd = open("new", O_WRONLY | O_CREAT, 0600);
    ssize_t done = write(fd, text, sizeof text);
    puts(total || done == sizeof text ? "held" : "no space");
}
