// Tries: prints what looks like the runner's own reply, framed as Docker frames it
// expect: wrong_answer
#include <unistd.h>

int main(void)
{
    static const char frame[] = "\1\0\0\0\0\0\0\56R\0\0\0\51\0\0\0\0\0";
    write(1, frame, sizeof frame - 1);
    return 0;
}
