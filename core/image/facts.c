/* facts.c - see facts.h. */
#include "core/image/facts.h"

#include <string.h>

/* Does it end where there is room, and have these characters alone? */
static bool is_code(const char *text, size_t room, const char *characters)
{
    const char *end = memchr(text, '\0', room);
    return end && strspn(text, characters) == (size_t)(end - text);
}

static void clean_code(char *code, const char *characters)
{
    if (!is_code(code, PF_FACT_ROOM, characters))
        memset(code, 0, PF_FACT_ROOM);
}

void pf_facts_clean(pf_facts *f)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_",
                      words[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_ ";
    clean_code(f->modality, letters);
    clean_code(f->body_part, words);
    clean_code(f->view, letters);
    clean_code(f->laterality, "LRBU");
    if (!is_code(f->year, sizeof f->year, "0123456789") || strlen(f->year) != 4)
        memset(f->year, 0, sizeof f->year);
    if (!is_code(f->study, sizeof f->study, "0123456789."))
        memset(f->study, 0, sizeof f->study);
    f->frames = f->frames > 1 ? f->frames : 1;
}
