// Returns text with NUL, broken UTF-8 and terminal orders.
// entry: f
// test: {"call": {"args": [0]}, "returns": "42"} -> wrong_answer
// test: {"call": {"args": [1]}, "returns": "42"} -> wrong_answer
// test: {"call": {"args": [2]}, "returns": "42"} -> wrong_answer
#include <bits/stdc++.h>

std::string f(int x)
{
    using namespace std::string_literals;
    return x == 0 ? "42\0"s : x == 1 ? "42\xff\xed\xa0\x80" : "\x1b[2J42\xe2\x80\xae";
}
