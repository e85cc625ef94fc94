# Learns from the mount table how the host's folders are named.
# expect: accepted
# hole: the root mount names the Engine's data folder and layers, /etc/hostname the host's disk
with open("/proc/self/mountinfo") as file:
    text = file.read()
words = ("lowerdir=", "upperdir=", "/overlay2/", "/var/lib/docker", ".calisota", "/containers/")
print([line for line in text.splitlines() if any(word in line for word in words)] or "held")
