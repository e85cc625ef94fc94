# Prints runner records, and Docker frames around them, that tell of the wanted output.
# test: {"stdout": "42"} -> wrong_answer
# test: {"stdout": "42", "compare": "exact"} -> wrong_answer
import os
import struct

texts = (b"42", b"", b"")
reply = struct.pack(">BIQQQIII", 0, 0, 1, 1, 1, *map(len, texts)) + b"".join(texts)
record = struct.pack(">BI", ord("R"), len(reply)) + reply
framed = struct.pack(">BxxxI", 1, len(record)) + record
for number in (1, 2, 3):
    os.write(number, record + framed)
