# Runs a program that it wrote, in every writable place and by the loader.
# expect: accepted
import os
import shutil
import subprocess

ran = []
shutil.copy("/usr/bin/true", "mine")
os.chmod("mine", 0o755)
with open("script", "w") as file:
    file.write("#!/bin/sh\nexit 0\n")
os.chmod("script", 0o755)
loader = next(p for p in ("/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1")
              if os.path.exists(p))
for command in (["./mine"], ["/tmp/mine"], ["./script"], [loader, "./mine"]):
    try:
        if subprocess.run(command, stderr=subprocess.DEVNULL).returncode == 0:
            ran.append(command)
    except OSError:
        pass
try:
    ran.append(os.memfd_create("x"))
except OSError:
    pass
print(ran or "held")
