// Prints on both streams in turn without end.
// expect: output_limit
#include <string.h>
#include <unistd.h>

int main(void)
{
    char text[4096];
    memset(text, 'x', sizeof text);
    for (;;)
        if (write(1, text, sizeof text) < 0 || write(2, text, sizeof text) < 0)
            pause();
}
