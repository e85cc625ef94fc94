# Connects to the internet, the bridge's gateway, the metadata address and a private host.
# expect: accepted
import errno
import socket

reached = []
for host in ("1.1.1.1", "8.8.8.8", "172.17.0.1", "169.254.169.254", "10.0.0.1", "192.168.0.1"):
    for port in (22, 53, 80, 443, 2375):
        with socket.socket() as one:
            one.settimeout(0.2)
            number = one.connect_ex((host, port))
            if number != errno.ENETUNREACH:
                reached.append((host, port, number))
print(reached or "held")
