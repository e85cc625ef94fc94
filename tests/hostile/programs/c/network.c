// Sends to the bridge's gateway, the metadata address and the internet, by both protocols.
// expect: accepted
#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>

int main(void)
{
    const char *hosts[] = {"172.17.0.1", "169.254.169.254", "1.1.1.1", "192.168.0.1", "10.0.2.2"};
    int reached = 0;
    for (unsigned i = 0; i < sizeof hosts / sizeof *hosts; i++)
        for (int kind = SOCK_STREAM; kind <= SOCK_DGRAM; kind++) {
            struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(80)};
            inet_pton(AF_INET, hosts[i], &to.sin_addr);
            int fd = socket(AF_INET, kind, 0);
            reached += connect(fd, (struct sockaddr *)&to, sizeof to) == 0;
            reached += sendto(fd, "x", 1, MSG_NOSIGNAL, (struct sockaddr *)&to, sizeof to) == 1;
        }
    printf(reached ? "reached %d\n" : "held\n", reached);
}
