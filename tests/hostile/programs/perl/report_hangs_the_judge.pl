# Prints lines of a test report that a careless reader spends minutes on, outside the sandbox.
# limits: output_kb=128
# test: {"suite": {"files": {"t.t": "require '/work/src/solution.pl';"}, "names": ["works"]}} -> wrong_answer
print "ok $_ - ", ' ' x 990, "x\n" for 1 .. 100;
1;
