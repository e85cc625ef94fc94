# Prints whatever the environment tells of the host.
# expect: accepted
import os
import subprocess

known = {"PATH", "LANG", "HOME", "TMPDIR", "PYTHONDONTWRITEBYTECODE", "PYTHONHASHSEED", "LC_CTYPE"}
shell = {"PWD", "SHLVL", "OLDPWD", "_"}
child = subprocess.run(["/usr/bin/env"], capture_output=True, text=True).stdout
names = {line.partition("=")[0] for line in child.splitlines()}
print((set(os.environ) | names) - known - shell or "held")
