/*
 * print_text.c - answers for people.
 *
 *    1  0.312   99.4 %  chest/effusion.png  #7
 *                       Right pleural effusion in a 60-year-old man
 *                       case: Pleural effusion
 *
 * with rank, score, and the score's percentile where it is known;
 * or, when captions are found, the caption first and the path below it; of a case its
 * title, how much of it was found, and its best image.
 * On a terminal a caption is cut to one line, a path is a link to its file, and colours
 * are used where they are welcome; anywhere else all of it is there and nothing but
 * text. Paths, captions and titles come from files of unknown origin: they go through
 * pf_term_puts().
 */
#include <limits.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "cli/term.h"
#include "cli/uri.h"
#include "query/print.h"
#include "query/say.h"

#define BOLD "\033[1m"
#define DIM "\033[2m"
#define PLAIN "\033[0m"

typedef struct {
    FILE *out;
    pf_term term;
    char here[PATH_MAX]; /* the current folder and a '/'; "" when it is not known */
    bool has_percentiles;
    int rank_width, score_width;
    size_t indent; /* of the lines below the first of a hit */
} printer;

static bool has_percentiles(const pf_answer *answer)
{
    return pf_answer_count(answer) > 0 && !isnan(pf_answer_hit(answer, 0)->percentile);
}

/* "0.312"; "-0.100", and "12.300" by words, are wider. */
static int score_width(const pf_answer *answer)
{
    int width = 5;
    for (size_t i = 0; i < pf_answer_count(answer); i++) {
        const double score = pf_answer_hit(answer, i)->score;
        if (isnan(score))
            return 0; /* a list has none */
        const int n = snprintf(NULL, 0, "%.3f", score);
        width = n > width ? n : width;
    }
    return width;
}

static void printer_init(printer *p, FILE *out, const pf_answer *answer, size_t n_ranks,
                         bool with_percentiles)
{
    *p = (printer){.out = out,
                   .term = pf_term_of(out),
                   .has_percentiles = with_percentiles,
                   .rank_width = 2,
                   .score_width = score_width(answer)};
    for (size_t n = n_ranks; n >= 100; n /= 10)
        p->rank_width++;
    p->indent = (size_t)p->rank_width + 2;
    if (p->score_width > 0)
        p->indent += (size_t)p->score_width + 2;
    if (with_percentiles)
        p->indent += strlen("100.0 %  ");
    if (!getcwd(p->here, sizeof p->here - 1))
        p->here[0] = '\0';
    const size_t n = strlen(p->here);
    if (n > 1)
        p->here[n] = '/'; /* what follows is zero */
}

/* Rank, score, and percentile where it is known. */
static void put_place(const printer *p, const pf_hit *h, size_t rank)
{
    fprintf(p->out, "%*zu  ", p->rank_width, rank);
    if (p->score_width > 0)
        fprintf(p->out, "%*.3f  ", p->score_width, h->score);
    if (p->has_percentiles) /* cut and not rounded: 100.0 % are all */
        fprintf(p->out, "%5.1f %%  ", floor(10 * h->percentile) / 10);
}

static void set_style(const printer *p, const char *style)
{
    if (p->term.has_color)
        fputs(style, p->out);
}

/* What lies in the current folder is shown from there. */
static const char *short_path(const printer *p, const char *path)
{
    const size_t n = strlen(p->here);
    return n > 1 && strncmp(path, p->here, n) == 0 && path[n] != '\0' ? path + n : path;
}

/* The rest of a line that begins in column `used`, cut to the terminal's width. */
static void put_text(const printer *p, size_t used, const char *text)
{
    const size_t n = strlen(text);
    size_t shown = n;
    if (p->term.is_terminal) {
        const size_t columns = (size_t)p->term.columns;
        const size_t room = columns > used + 20 ? columns - used : 20;
        if (pf_term_fitting(text, n, room) < n)
            shown = pf_term_fitting(text, n, room - 1);
    }
    pf_term_print(p->out, text, shown);
    fputs(shown < n ? "\xE2\x80\xA6\n" : "\n", p->out);
}

static void put_line(const printer *p, const char *label, const char *text)
{
    fprintf(p->out, "%*s%s", (int)p->indent, "", label);
    put_text(p, p->indent + strlen(label), text);
}

static void put_path(const printer *p, const pf_hit *h, const char *style)
{
    const bool has_link = p->term.has_links && pf_uri_is_linkable(h->path);
    set_style(p, style);
    if (has_link)
        pf_term_begin_link(p->out, h->path);
    pf_term_puts(p->out, short_path(p, h->path));
    if (has_link)
        pf_term_end_link(p->out);
    set_style(p, PLAIN);
    set_style(p, DIM);
    if (h->frame > 0)
        fprintf(p->out, "  frame %d", h->frame);
    fprintf(p->out, "  #%lld", (long long)h->image_id);
    set_style(p, PLAIN);
    fputc('\n', p->out);
}

static void put_image(const printer *p, const pf_hit *h)
{
    put_path(p, h, BOLD);
    if (h->caption)
        put_line(p, "", h->caption);
    if (h->case_title && h->case_title[0] != '\0')
        put_line(p, "case: ", h->case_title);
    else if (h->case_key)
        put_line(p, "case: ", h->case_key);
}

static void put_caption(const printer *p, const pf_hit *h)
{
    put_text(p, p->indent, h->caption);
    if (!h->path)
        return; /* a phrase of the user's own */
    fprintf(p->out, "%*s", (int)p->indent, "");
    put_path(p, h, DIM);
}

static void put_case(const printer *p, const pf_hit *h)
{
    const bool has_title = h->case_title && h->case_title[0] != '\0' &&
                           strcmp(h->case_title, h->case_key) != 0;
    set_style(p, BOLD);
    put_text(p, p->indent, has_title ? h->case_title : h->case_key);
    set_style(p, PLAIN);
    fprintf(p->out, "%*s", (int)p->indent, "");
    set_style(p, DIM);
    if (has_title) {
        fputs("case: ", p->out);
        pf_term_puts(p->out, h->case_key);
        fputs(", ", p->out);
    }
    fprintf(p->out, "%zu of %zu image%s\n", h->n_images, h->n_case_images,
            h->n_case_images == 1 ? "" : "s");
    set_style(p, PLAIN);
    fprintf(p->out, "%*s", (int)p->indent, "");
    put_path(p, h, "");
    if (h->caption)
        put_line(p, "", h->caption);
}

static void put_reason(const printer *p, const char *what, const pf_reason *r,
                       bool *is_first)
{
    if (r->rank == 0)
        return;
    fprintf(p->out, "%s%s %zu (%.3f)", *is_first ? "" : ", ", what, r->rank, r->score);
    *is_first = false;
}

/* "why: " its place in each ranking, and what made it. */
static void put_reasons(const printer *p, const pf_hit *h)
{
    bool is_first = true;
    if (h->fused <= 0)
        return;
    set_style(p, DIM);
    fprintf(p->out, "%*swhy: ", (int)p->indent, "");
    put_reason(p, "meaning", &h->by_meaning, &is_first);
    put_reason(p, "caption", &h->by_caption, &is_first);
    put_reason(p, "words", &h->by_words, &is_first);
    set_style(p, PLAIN);
    fputc('\n', p->out);
}

enum { DUPLICATES_SHOWN = 8 };

/* "and 2 like it: #5 #9". Captions are not known by number: "and 2 like it". */
static void put_duplicates(const printer *p, pf_find find, const pf_hit *h)
{
    const size_t shown = find == PF_FIND_IMAGES ? DUPLICATES_SHOWN : 0;
    if (h->n_duplicates == 0)
        return;
    set_style(p, DIM);
    fprintf(p->out, "%*sand %zu like it%s", (int)p->indent, "", h->n_duplicates,
            shown > 0 ? ":" : "");
    for (size_t i = 0; i < h->n_duplicates && i < shown; i++)
        fprintf(p->out, " #%lld", (long long)h->duplicates[i]);
    if (shown > 0 && h->n_duplicates > shown)
        fputs(" \xE2\x80\xA6", p->out);
    set_style(p, PLAIN);
    fputc('\n', p->out);
}

/* Those that are not the one that is shown. */
static void put_other_captions(const printer *p, const pf_hit *h)
{
    for (size_t i = 0; i < h->n_captions; i++) {
        if (!h->caption || strcmp(h->captions[i].text, h->caption) != 0)
            put_line(p, "also: ", h->captions[i].text);
    }
}

void print_text(FILE *out, const pf_answer *answer, bool has_reasons, bool all_captions)
{
    const pf_find find = pf_answer_get_about(answer)->find;
    const size_t n = pf_answer_count(answer);
    printer p;
    printer_init(&p, out, answer, n, has_percentiles(answer));
    for (size_t i = 0; i < n; i++) {
        const pf_hit *h = pf_answer_hit(answer, i);
        put_place(&p, h, pf_answer_rank(answer, i));
        if (find == PF_FIND_CASES)
            put_case(&p, h);
        else if (find == PF_FIND_CAPTIONS)
            put_caption(&p, h);
        else
            put_image(&p, h);
        if (all_captions)
            put_other_captions(&p, h);
        put_duplicates(&p, find, h);
        if (has_reasons)
            put_reasons(&p, h);
    }
}

size_t print_image_line(FILE *out, const pf_answer *answer, size_t i)
{
    const pf_hit *h = pf_answer_hit(answer, i);
    printer p;
    printer_init(&p, out, answer, pf_answer_count(answer), !isnan(h->percentile));
    put_place(&p, h, pf_answer_rank(answer, i));
    put_path(&p, h, BOLD);
    put_duplicates(&p, PF_FIND_IMAGES, h);
    return p.indent;
}

/*
 * 3 images, lowest 0.981
 *     1.000  chest/effusion.png  #7
 *            Right pleural effusion in a 60-year-old man
 */
void print_groups_text(FILE *out, const pf_answer *answer)
{
    const size_t n_groups = pf_answer_get_about(answer)->n_groups;
    printer p;
    printer_init(&p, out, answer, 0, false);
    for (size_t g = 0; g < n_groups; g++) {
        const pf_group *group = pf_answer_group(answer, g);
        set_style(&p, BOLD);
        fprintf(out, "%s%zu images, lowest %.3f\n", g > 0 ? "\n" : "", group->n,
                group->lowest);
        set_style(&p, PLAIN);
        for (size_t i = 0; i < group->n; i++) {
            const pf_hit *h = pf_answer_hit(answer, group->first + i);
            fprintf(out, "%*s  %*.3f  ", p.rank_width, "", p.score_width, h->score);
            put_path(&p, h, "");
            if (h->caption)
                put_line(&p, "", h->caption);
        }
    }
}

bool print_paths(FILE *out, const pf_answer *answer, char end)
{
    const bool is_terminal = pf_term_of(out).is_terminal;
    bool is_whole = true;
    for (size_t i = 0; i < pf_answer_count(answer); i++) {
        const char *path = pf_answer_hit(answer, i)->path;
        if (end == '\n' && strchr(path, '\n')) {
            is_whole = false;
            say_odd_path(path);
            continue;
        }
        if (is_terminal)
            pf_term_puts(out, path);
        else
            fputs(path, out); /* bytes, for whoever opens it */
        fputc(end, out);
    }
    return is_whole;
}
