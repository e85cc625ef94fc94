# Sends datagrams, to hosts, to everyone and to a group.
# expect: accepted
import socket

sent = []
for host in ("1.1.1.1", "172.17.0.1", "169.254.169.254", "255.255.255.255", "224.0.0.1"):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        try:
            one.sendto(b"secret", (host, 53))
            sent.append(host)
        except OSError:
            pass
print(sent or "held")
