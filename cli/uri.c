/* uri.c - see uri.h. */
#include "cli/uri.h"

#include <string.h>

static bool is_plain(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           strchr("-._~/", c);
}

bool pf_uri_is_linkable(const char *path)
{
    return path[0] == '/' && path[1] != '/';
}

void pf_uri_put_path(FILE *out, const char *path)
{
    for (; *path; path++) {
        const unsigned char c = (unsigned char)*path;
        if (is_plain(c))
            fputc(c, out);
        else
            fprintf(out, "%%%02X", c);
    }
}
