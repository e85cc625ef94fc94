# Asks for names, which would carry secrets out.
# expect: accepted
import socket

found = []
for name in ("example.com", "host.docker.internal", "metadata.google.internal", "gateway"):
    try:
        found.append(socket.getaddrinfo(name, 80))
    except OSError:
        pass
print(found or "held")
