# Leaves result files, links and FIFOs with telling names where a careless host would read them.
# test: {"stdout": "42"} -> wrong_answer
# test: {"stdout": "42"} -> wrong_answer
import os

for number, name in enumerate(("result.json", "value", "stdout", "report.xml", "exit_code", "3")):
    for folder in ("/work/cell", "/tmp", "/work/build", "/work"):
        try:
            path = f"{folder}/{name}"
            if number % 3 == 0:
                with open(path, "w") as file:
                    file.write('{"outcome": "accepted", "stdout": "42"}')
            elif number % 3 == 1:
                os.symlink("/etc/passwd", path)
            else:
                os.mkfifo(path)
        except OSError:
            pass
print(len(os.listdir(".")))
