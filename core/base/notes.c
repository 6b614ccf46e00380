/* notes.c - see notes.h. */
#include "core/base/notes.h"

#include <stdarg.h>
#include <stdio.h>

#include "core/base/mem.h"

void pf_notes_add(pf_notes *notes, const char *fmt, ...)
{
    if (!notes)
        return;
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    for (char *c = text; *c; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7F)
            *c = '?'; /* a name from a hostile file must not draw on the terminal */
    }
    char *line = notes->count < PF_NOTES_MAX ? pf_strdup(text, NULL) : NULL;
    if (line)
        notes->line[notes->count++] = line;
    else
        notes->dropped++;
}

void pf_notes_reset(pf_notes *notes)
{
    for (size_t i = 0; i < notes->count; i++)
        pf_free(notes->line[i]);
    *notes = (pf_notes){0};
}
