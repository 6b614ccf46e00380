/* fields.c - see fields.h. */
#include "core/words/fields.h"

#include <string.h>

/* Weights: a title is short and says what the case is about; a file's name is often
 * chance. A word in a caption comes before the same one elsewhere. */
static const struct {
    const char *name;
    char mark;
    double weight;
} fields[PF_FIELDS] = {
    [PF_FIELD_CAPTION] = {"caption", '\0', 1.0},
    [PF_FIELD_CASE] = {"case", '\0', 0.9},
    [PF_FIELD_TITLE] = {"title", 't', 0.9},
    [PF_FIELD_DIAGNOSIS] = {"diagnosis", 'd', 0.9},
    [PF_FIELD_KEYWORDS] = {"keywords", 'k', 0.7},
    [PF_FIELD_ATTRIBUTE] = {"attribute", 'a', 0.6},
    [PF_FIELD_NAME] = {"name", 'n', 0.4},
};

static const struct {
    const char *key;
    pf_field field;
} keys[] = {
    {"diagnosis", PF_FIELD_DIAGNOSIS}, {"diagnoses", PF_FIELD_DIAGNOSIS},
    {"finding", PF_FIELD_DIAGNOSIS},   {"findings", PF_FIELD_DIAGNOSIS},
    {"keyword", PF_FIELD_KEYWORDS},    {"keywords", PF_FIELD_KEYWORDS},
    {"concept", PF_FIELD_KEYWORDS},    {"concepts", PF_FIELD_KEYWORDS},
    {"tag", PF_FIELD_KEYWORDS},        {"tags", PF_FIELD_KEYWORDS},
};

/* Of the patient, of the document, or codes: good for filters, not for words. */
static const char *const passed_over[] = {"sex",   "age",     "year",    "language",
                                          "level", "license", "licence", "pmc_id",
                                          "cui",   "semtype", "tui",     "pixel_phi"};

const char *pf_field_name(pf_field field)
{
    return fields[field].name;
}

char pf_field_mark(pf_field field)
{
    return fields[field].mark;
}

double pf_field_weight(pf_field field)
{
    return fields[field].weight;
}

static bool find_by_mark(char mark, pf_field *out)
{
    for (int f = PF_FIELD_TITLE; f < PF_FIELDS; f++) {
        if (fields[f].mark != mark)
            continue;
        *out = (pf_field)f;
        return true;
    }
    return false;
}

bool pf_field_of_key(const char *key, pf_field *out)
{
    *out = PF_FIELD_ATTRIBUTE;
    for (size_t i = 0; i < sizeof passed_over / sizeof *passed_over; i++) {
        if (strcmp(passed_over[i], key) == 0)
            return false;
    }
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (strcmp(keys[i].key, key) == 0)
            *out = keys[i].field;
    }
    return true;
}

bool pf_field_lines_next(pf_field_lines *l, pf_field *field, const char **text,
                         size_t *n)
{
    while (*l->at && l->n < PF_FIELD_LINES_MAX) {
        const char *line = l->at;
        const size_t length = strcspn(line, "\n");
        l->at += length + (line[length] == '\n');
        if (length < 2 || !find_by_mark(line[0], field))
            continue;
        l->n++;
        *text = line + 1;
        *n = length - 1;
        return true;
    }
    return false;
}

static bool add_name(pf_field_set *set, const char *name, size_t n)
{
    if (n == strlen("all") && memcmp(name, "all", n) == 0) {
        *set = PF_FIELDS_ALL;
        return true;
    }
    for (int f = 0; f < PF_FIELDS; f++) {
        if (strlen(fields[f].name) == n && memcmp(fields[f].name, name, n) == 0) {
            *set |= 1u << f;
            return true;
        }
    }
    return false;
}

bool pf_field_set_add(pf_field_set *set, const char *list, pf_err *err)
{
    for (const char *name = list;; name++) {
        const size_t n = strcspn(name, ",");
        if (!add_name(set, name, n))
            return pf_fail(err, PF_ERR_MISUSE,
                           "words are not looked for in '%.*s': there are caption, "
                           "case, title, diagnosis, keywords, attribute, name and all",
                           n < 64 ? (int)n : 64, name);
        name += n;
        if (*name == '\0')
            return true;
    }
}
