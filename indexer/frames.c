/* frames.c - see frames.h. */
#include "indexer/frames.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* 0: it is no number from 1 to PF_FRAMES_MAX. */
static int number_in(const char *text)
{
    const size_t n = strspn(text, "0123456789");
    if (n == 0 || n > 4 || text[n] != '\0')
        return 0;
    const long number = strtol(text, NULL, 10);
    return number <= PF_FRAMES_MAX ? (int)number : 0;
}

bool pf_frames_read(pf_frames *out, const char *text, pf_err *err)
{
    *out = (pf_frames){.n = 1};
    if (strcmp(text, "middle") == 0)
        return true;
    if (strcmp(text, "first") == 0)
        out->is_first = true;
    else if (strcmp(text, "all") == 0)
        out->n = PF_FRAMES_MAX;
    else if (number_in(text) > 0)
        out->n = number_in(text);
    else
        return pf_fail(err, PF_ERR_MISUSE,
                       "--frames takes first, middle, all, or a number from 1 to %d, "
                       "not '%s'",
                       PF_FRAMES_MAX, text);
    return true;
}

int pf_frames_count(const pf_frames *frames, int of)
{
    return of < frames->n ? of : frames->n;
}

/* Of each of n equal parts the middle. */
int pf_frames_at(const pf_frames *frames, int of, int i)
{
    const int n = pf_frames_count(frames, of);
    return frames->is_first ? 0 : (int)((2 * (int64_t)i + 1) * of / (2 * (int64_t)n));
}
