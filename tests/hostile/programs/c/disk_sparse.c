// Makes files that claim to be endless.
// expect: accepted
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

int main(void)
{
    signal(SIGXFSZ, SIG_IGN);
    int fd = open("big", O_RDWR | O_CREAT, 0600), got = 0;
    off_t tera = (off_t)1 << 40;
    got |= ftruncate(fd, tera) == 0;
    got |= (fallocate(fd, 0, 0, tera) == 0) << 1;
    got |= (pwrite(fd, "x", 1, tera) == 1) << 2;
    got |= (lseek(fd, tera, SEEK_SET) == tera && write(fd, "x", 1) == 1) << 3;
    printf(got ? "got %d\n" : "held\n", got);
}
