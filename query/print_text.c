/*
 * print_text.c - answers for people.
 *
 *    1  0.312   99.4 %  chest/effusion.png  #7
 *                       Right pleural effusion in a 60-year-old man
 *                       case: Pleural effusion
 *                       modality=CR  anatomy=chest
 *                       by its words: pleural, effusion
 *
 * with rank, score, and the score's percentile where it is known, which would look like
 * a confidence where nothing is nearer than chance: there neither is shown;
 * or, when captions are found, the caption first and the path below it; of a case its
 * title, how much of it was found, and its best image.
 * On a terminal a caption goes on a few lines of its width (paragraph.h), a path is a
 * link to its file, and colours are used where they are welcome; anywhere else all of
 * it is there and nothing but text. Paths, captions and titles come from files of
 * unknown origin: they go through pf_term_puts().
 */
#include <limits.h>
#include <math.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "cli/term.h"
#include "cli/uri.h"
#include "query/attributes.h"
#include "query/paragraph.h"
#include "query/print.h"
#include "query/say.h"

#define BOLD "\033[1m"
#define DIM "\033[2m"
#define PLAIN "\033[0m"

typedef struct {
    FILE *out;
    pf_term term;
    char here[PATH_MAX]; /* the current folder and a '/'; "" when it is not known */
    bool has_scores, has_percentiles;
    int rank_width, score_width;
    size_t place; /* columns of rank and scores, */
    size_t
        indent; /* of the lines below the first of a hit: the same if there is room */
} printer;

enum {
    LEAST_COLUMNS = 24, /* that a caption should have */
    SMALL_INDENT = 4,   /* else */
    CAPTION_LINES = 3,  /* on a terminal, without --wrap */
};

static bool has_percentiles(const pf_answer *answer)
{
    return pf_answer_count(answer) > 0 && !isnan(pf_answer_hit(answer, 0)->percentile);
}

/* "0.312"; "-0.100", and "12.300" by words, are wider. */
static int score_width(const pf_answer *answer)
{
    int width = 5;
    for (size_t i = 0; i < pf_answer_count(answer); i++) {
        const int n = snprintf(NULL, 0, "%.3f", pf_answer_hit(answer, i)->score);
        width = n > width ? n : width;
    }
    return width;
}

/* Columns of the lines; 0: there are no lines. */
static size_t columns_of(const printer *p)
{
    return p->term.is_terminal || command.wrap ? (size_t)p->term.columns : 0;
}

static void set_indent(printer *p)
{
    p->place = (size_t)p->rank_width + 2;
    if (p->has_scores)
        p->place += (size_t)p->score_width + 2;
    if (p->has_percentiles)
        p->place += strlen("100.0 %  ");
    const bool is_narrow =
        columns_of(p) > 0 && columns_of(p) < p->place + LEAST_COLUMNS;
    p->indent = is_narrow ? SMALL_INDENT : p->place;
}

static void printer_init(printer *p, FILE *out, const pf_answer *answer, size_t n_ranks,
                         bool with_percentiles)
{
    const pf_answer_about *about = pf_answer_get_about(answer);
    const bool is_chance = about->chance == PF_CHANCE_NO_BETTER;
    const bool is_list = about->by == PF_BY_DEFAULT;
    *p = (printer){.out = out,
                   .term = pf_term_of(out),
                   .has_scores = !is_chance && !is_list,
                   .has_percentiles = with_percentiles && !is_chance,
                   .rank_width = 2,
                   .score_width = score_width(answer)};
    for (size_t n = n_ranks; n >= 100; n /= 10)
        p->rank_width++;
    set_indent(p);
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
    if (p->has_scores)
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

/* The rest of a line that begins in column `used`, and no more lines than `most`; 0 are
 * all it takes. */
static void put_lines(const printer *p, size_t used, size_t most, const char *text,
                      const pf_match *matches, size_t n)
{
    const paragraph lines = {p->out, p->term, columns_of(p), p->indent, most};
    paragraph_put(&lines, used, text, matches, n);
}

/* A title, and the like: one line. */
static void put_text(const printer *p, size_t used, const char *text)
{
    put_lines(p, used, 1, text, NULL, 0);
}

static void put_line(const printer *p, const char *label, const char *text)
{
    fprintf(p->out, "%*s%s", (int)p->indent, "", label);
    put_text(p, p->indent + strlen(label), text);
}

/* A caption behind what stands in its line already. */
static void put_words(const printer *p, size_t used, const char *text,
                      const pf_match *matches, size_t n)
{
    put_lines(p, used, command.wrap ? 0 : CAPTION_LINES, text, matches, n);
}

static void put_label(const printer *p, const char *label, const char *text)
{
    fprintf(p->out, "%*s%s", (int)p->indent, "", label);
    put_words(p, p->indent + strlen(label), text, NULL, 0);
}

/* The caption that is shown of a hit, with what was found in it. */
static void put_own_caption(const printer *p, const pf_hit *h)
{
    fprintf(p->out, "%*s", (int)p->indent, "");
    put_words(p, p->indent, h->caption, h->matches, h->n_matches);
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
        put_own_caption(p, h);
    if (h->case_title && h->case_title[0] != '\0')
        put_line(p, "case: ", h->case_title);
    else if (h->case_key)
        put_line(p, "case: ", h->case_key);
}

static void put_caption(const printer *p, const pf_hit *h)
{
    if (p->indent < p->place) { /* a narrow terminal */
        fputc('\n', p->out);
        put_own_caption(p, h);
    } else {
        put_words(p, p->place, h->caption, h->matches, h->n_matches);
    }
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
    put_text(p, p->place, has_title ? h->case_title : h->case_key);
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
        put_own_caption(p, h);
}

/* ---- what is told below a hit ---------------------------------------------------- */

static void put_attribute(const printer *p, const pf_attribute *a)
{
    fprintf(p->out, "%*s", (int)p->indent, "");
    pf_term_puts(p->out, a->key);
    fputc('=', p->out);
    put_lines(p, p->indent + strlen(a->key) + 1, 0, a->value, NULL, 0);
}

/* A few in one line, or all of them. */
static void put_attributes(const printer *p, const pf_hit *h)
{
    char *line = command.verbose ? NULL : attributes_line(h);
    if (h->n_attributes > 0)
        set_style(p, DIM);
    if (line && h->n_attributes > 0)
        put_line(p, "", line);
    for (size_t i = 0; command.verbose && i < h->n_attributes; i++)
        put_attribute(p, &h->attributes[i]);
    if (h->n_attributes > 0)
        set_style(p, PLAIN);
    pf_free(line);
}

static bool is_same_place(const pf_match *a, const pf_match *b)
{
    return a->start == b->start && a->end == b->end;
}

/* Does the caption have the same there, as far as people see? */
static bool is_same_text(const pf_hit *h, const pf_match *a, const pf_match *b)
{
    const size_t n = a->end - a->start;
    return n == b->end - b->start &&
           strncasecmp(h->caption + a->start, h->caption + b->start, n) == 0;
}

/* Was this said of one of the matches before? */
static bool is_told(const pf_hit *h, size_t i)
{
    const pf_match *m = &h->matches[i];
    for (size_t k = 0; k < i; k++) {
        const pf_match *o = &h->matches[k];
        if (o->as != m->as)
            continue;
        if (m->as == PF_MET_SYNONYM && is_same_place(o, m))
            return true;
        if (strcmp(o->asked, m->asked) == 0 &&
            (m->as == PF_MET_TYPED || is_same_text(h, o, m)))
            return true;
    }
    return false;
}

/* "CXR (synonym of chest radiograph)": one name may stand for several words. */
static void write_synonym(FILE *out, const pf_hit *h, size_t i)
{
    const pf_match *m = &h->matches[i];
    fprintf(out, "%.*s (synonym of", (int)(m->end - m->start), h->caption + m->start);
    for (; i < h->n_matches && is_same_place(m, &h->matches[i]); i++)
        fprintf(out, " %s", h->matches[i].asked);
    fputc(')', out);
}

static void write_match(FILE *out, const pf_hit *h, size_t i)
{
    const pf_match *m = &h->matches[i];
    if (m->as == PF_MET_SYNONYM)
        write_synonym(out, h, i);
    else if (m->as == PF_MET_TYPED)
        fputs(m->asked, out);
    else
        fprintf(out, "%.*s", (int)(m->end - m->start), h->caption + m->start);
}

/* "by its words: pleural, hydrothorax (synonym of pleural effusion)". Given. */
static char *list_matches(const pf_hit *h)
{
    char *text = NULL;
    size_t size;
    bool is_first = true;
    FILE *out = open_memstream(&text, &size);
    for (size_t i = 0; out && i < h->n_matches; i++) {
        if (is_told(h, i))
            continue;
        fputs(is_first ? "by its words: " : ", ", out);
        write_match(out, h, i);
        is_first = false;
    }
    return out && fclose(out) == 0 ? text : NULL;
}

/* Why it was found: its words, or else their meaning. */
static void put_matched(const printer *p, const pf_hit *h, pf_by by)
{
    if (by != PF_BY_WORDS && by != PF_BY_BOTH)
        return;
    char *words = h->n_matches > 0 ? list_matches(h) : NULL;
    set_style(p, DIM);
    if (words)
        put_label(p, "", words);
    else
        put_line(p, "", h->by_words.rank > 0 ? "by words" : "by meaning");
    set_style(p, PLAIN);
    pf_free(words);
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
            put_label(p, "also: ", h->captions[i].text);
    }
}

static void put_hit(const printer *p, const pf_answer_about *about, const pf_hit *h)
{
    if (about->find == PF_FIND_CASES)
        put_case(p, h);
    else if (about->find == PF_FIND_CAPTIONS)
        put_caption(p, h);
    else
        put_image(p, h);
    if (command.all_captions)
        put_other_captions(p, h);
    put_attributes(p, h);
    put_matched(p, h, about->by);
    put_duplicates(p, about->find, h);
    if (command.verbose)
        put_reasons(p, h);
}

void print_text(FILE *out, const pf_answer *answer)
{
    const size_t n = pf_answer_count(answer);
    printer p;
    printer_init(&p, out, answer, n, has_percentiles(answer));
    for (size_t i = 0; i < n; i++) {
        const pf_hit *h = pf_answer_hit(answer, i);
        put_place(&p, h, pf_answer_rank(answer, i));
        put_hit(&p, pf_answer_get_about(answer), h);
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
                put_own_caption(&p, h);
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
