// Fills pipes and sockets, whose memory belongs to no process.
// test: {"argv": ["fill"], "stdout": "held"} -> memory_limit runtime_error time_limit accepted
// test: {"argv": ["rest"], "stdout": "held"} -> accepted
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void fill(void)
{
    static char text[65536];
    int pair[2];
    for (;;) {
        if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0 && pipe(pair) < 0)
            break;
        for (int i = 0; i < 2; i++) {
            int room = 1 << 20;
            setsockopt(pair[i], SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
            fcntl(pair[i], F_SETPIPE_SZ, room);
            fcntl(pair[i], F_SETFL, O_NONBLOCK);
            while (write(pair[i], text, sizeof text) > 0)
                ;
        }
    }
}

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "fill")) {
        for (int i = 0; i < 40; i++)
            if (fork() == 0) {
                fill();
                pause();
            }
        sleep(2);
    }
    puts("held");
}
