# Tries the same by IPv6, link-local and multicast included.
# expect: accepted
import socket

reached = []
for address in (("2606:4700::1", 53), ("fe80::1", 53, 0, 1), ("ff02::1", 53, 0, 1), ("fd00::1", 53)):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET6, kind) as one:
            one.settimeout(0.2)
            try:
                one.connect(address)
                one.send(b"x")
                reached.append(address)
            except OSError:
                pass
print(reached or "held")
