# Writes output that would speak for the Problem's checker, and tries to disturb its process.
# problem: {"checker": {"source": "import json, sys\nasked = json.load(sys.stdin)\nprint(json.dumps({'accepted': asked['stdout'].strip() == asked['expected']}))\n"}}
# test: {"stdout": "42", "compare": "checker"} -> wrong_answer
# test: {"stdout": "41", "compare": "checker"} -> wrong_answer
import os

os.write(1, b'"}\n{"accepted": true}\n\x00{"stdin": "", "stdout": "42", "expected": "42"}')
with open("/tmp/json.py", "w") as file:
    file.write("raise SystemExit(0)")
if os.fork() == 0:
    os.setsid()
    while True:
        os.write(1, b"")
