/*
 * print_tsv.c - answers for spreadsheets and awk: a line of names, then a line per hit.
 *
 * Nothing is quoted: tabs and line breaks within a field become blanks, other bytes are
 * as they are, behind an apostrophe where a spreadsheet would take the field for a
 * formula: captions and labels are written by others. What is not there is an empty
 * field. New columns come at the end, for scripts that count them.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/term.h"
#include "query/print.h"

/* A number alone may begin with a sign. */
static bool looks_like_formula(const char *text)
{
    char *behind;
    if (text[0] == '\0' || !strchr("=+-@\t\r", text[0]))
        return false;
    strtod(text, &behind);
    return behind == text || *behind != '\0';
}

void print_field(FILE *out, const char *text, char end)
{
    if (text && looks_like_formula(text))
        fputc('\'', out);
    if (text && pf_term_of(out).is_terminal) {
        pf_term_puts(out, text);
        text = NULL;
    }
    for (; text && *text; text++)
        fputc(*text == '\t' || *text == '\n' || *text == '\r' ? ' ' : *text, out);
    fputc(end, out);
}

static void put_image(FILE *out, const pf_hit *h, char end)
{
    print_field(out, h->path, '\t');
    print_field(out, h->case_key, '\t');
    print_field(out, h->caption, end);
}

static void put_caption(FILE *out, const pf_hit *h)
{
    print_field(out, h->caption, '\t');
    if (h->image_id != 0)
        fprintf(out, "%lld", (long long)h->image_id);
    fputc('\t', out);
    print_field(out, h->path, '\t');
}

static void put_case(FILE *out, const pf_hit *h)
{
    print_field(out, h->case_key, '\t');
    print_field(out, h->case_title, '\t');
    fprintf(out, "%zu\t%zu\t", h->n_images, h->n_case_images);
    print_field(out, h->path, '\t');
    print_field(out, h->caption, '\t');
}

static const char *names_of(pf_find find)
{
    switch (find) {
    case PF_FIND_CAPTIONS:
        return "caption\timage_id\tpath";
    case PF_FIND_CASES:
        return "case\ttitle\tmatched\timage_count\tpath\tcaption";
    case PF_FIND_IMAGES:
        break;
    }
    return "path\tcase\tcaption";
}

static void put_duplicates(FILE *out, const pf_hit *h)
{
    for (size_t i = 0; i < h->n_duplicates; i++)
        fprintf(out, "%s%lld", i ? " " : "", (long long)h->duplicates[i]);
}

/* Those that are not the one that is shown, parted by '|', and the end of the line. */
static void put_other_captions(FILE *out, const pf_hit *h)
{
    const char *waiting = NULL;
    for (size_t i = 0; i < h->n_captions; i++) {
        const char *text = h->captions[i].text;
        if (h->caption && strcmp(text, h->caption) == 0)
            continue;
        if (waiting)
            print_field(out, waiting, '|');
        waiting = text;
    }
    print_field(out, waiting, '\n');
}

void print_tsv(FILE *out, const pf_answer *answer, bool all_captions)
{
    const pf_answer_about *about = pf_answer_get_about(answer);
    fprintf(out, "rank\tscore\tid\t%s\tpercentile%s%s\n", names_of(about->find),
            about->is_collapsed ? "\tduplicates" : "",
            all_captions ? "\tother_captions" : "");
    for (size_t i = 0; i < pf_answer_count(answer); i++) {
        const pf_hit *h = pf_answer_hit(answer, i);
        fprintf(out, "%zu\t", pf_answer_rank(answer, i));
        if (!isnan(h->score))
            fprintf(out, "%.7g", h->score);
        fprintf(out, "\t%lld\t", (long long)h->id);
        if (about->find == PF_FIND_CASES)
            put_case(out, h);
        else if (about->find == PF_FIND_CAPTIONS)
            put_caption(out, h);
        else
            put_image(out, h, '\t');
        if (!isnan(h->percentile))
            fprintf(out, "%.6g", h->percentile);
        if (about->is_collapsed) {
            fputc('\t', out);
            put_duplicates(out, h);
        }
        fputc(all_captions ? '\t' : '\n', out);
        if (all_captions)
            put_other_captions(out, h);
    }
}

void print_groups_tsv(FILE *out, const pf_answer *answer)
{
    fprintf(out, "group\tscore\tid\t%s\n", names_of(PF_FIND_IMAGES));
    for (size_t g = 0; g < pf_answer_get_about(answer)->n_groups; g++) {
        const pf_group *group = pf_answer_group(answer, g);
        for (size_t i = 0; i < group->n; i++) {
            const pf_hit *h = pf_answer_hit(answer, group->first + i);
            fprintf(out, "%zu\t%.7g\t%lld\t", g + 1, h->score, (long long)h->id);
            put_image(out, h, '\n');
        }
    }
}
