// Adopts its orphans, hides their death and ends without them.
// test: {"argv": ["leave"], "stdout": "held"} -> accepted
// test: {"argv": ["count"], "stdout": "held"} -> accepted
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    int count = 0;
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    signal(SIGCHLD, SIG_IGN);
    for (int i = 0; argc > 1 && !strcmp(argv[1], "leave") && i < 20; i++)
        if (fork() == 0) {
            prctl(PR_SET_NAME, "kworker/0:0");
            setsid();
            if (fork())
                _exit(0);
            for (;;)
                pause();
        }
    DIR *dir = opendir("/proc");
    for (struct dirent *one; (one = readdir(dir));)
        count += atoi(one->d_name) > 0;
    puts(!strcmp(argv[1], "leave") || count == 2 ? "held" : "others run");
}
