# Ends the test run well before any test reported.
# test: {"suite": {"files": {"test_f.py": "import unittest, solution\nclass T(unittest.TestCase):\n    def test_f(self): self.assertEqual(solution.f(1), 42)\n"}, "names": ["T.test_f"]}} -> runtime_error
# test: {"suite": {"files": {"test_p.py": "import pytest, solution\ndef test_p(): assert solution.f(1) == 42\n"}, "names": ["test_p"]}} -> runtime_error
# limits: wall_s=15
# says: no test was reported
import os


def f(x):
    print("Ran 1 test in 0.000s\n\nOK\n1 passed", flush=True)
    os._exit(0)
