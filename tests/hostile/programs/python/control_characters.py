# Prints NUL, broken UTF-8, terminal orders and text that runs backwards around the answer.
# test: {"stdout": "42"} -> wrong_answer
# test: {"stdout": "42", "compare": "float"} -> wrong_answer
# test: {"stdout": "42", "compare": "unordered"} -> wrong_answer
# says: \x1b
import os

os.write(1, b"\x0042\x1b[2J\x1b]0;owned\x07\x9b31m\xff\xfe\xed\xa0\x80\r\x08\xe2\x80\xaeevil\xe2\x80\xa8")
os.write(2, b"\x1b[31m\xe2\x81\xa6ok\x00\xc0\x80\x1bP$q\x1b\\")
