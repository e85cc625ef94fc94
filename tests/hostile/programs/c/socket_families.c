// Opens a socket of every family and kind that no network namespace confines.
// expect: accepted
#include <stdio.h>
#include <sys/socket.h>

int main(void)
{
    int opened = 0;
    for (int family = 0; family < 60; family++)
        for (int kind = 1; kind < 11; kind++) {
            int ours = (family == AF_UNIX || family == AF_INET || family == AF_INET6)
                && kind != SOCK_RAW && kind != SOCK_PACKET;
            if (!ours && !(family == AF_UNIX) && socket(family, kind, 0) >= 0) {
                printf("family %d kind %d\n", family, kind);
                opened = 1;
            }
        }
    for (int protocol = 0; protocol < 256; protocol++)
        opened |= socket(AF_INET, SOCK_RAW, protocol) >= 0;
    if (!opened)
        puts("held");
}
