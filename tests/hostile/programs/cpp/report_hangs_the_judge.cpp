// Prints the beginnings of a test report that a careless reader spends minutes on.
// limits: output_kb=64
// test: {"suite": {"files": {"t.cpp": "#include <catch2/catch.hpp>\nvoid f();\nTEST_CASE(\"works\") { f(); }\n"}, "names": ["works"]}} -> wrong_answer runtime_error
#include <unistd.h>

void f()
{
    for (int i = 0; i < 6000; i++)
        if (write(1, "<testcase ", 10) < 0)
            _exit(1);
}
