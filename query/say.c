/* say.c - see say.h. Whatever comes from outside goes through pf_term_puts(). */
#include "query/say.h"

#include <string.h>

#include "cli/term.h"
#include "query/query.h"

void say(const char *text)
{
    fprintf(stderr, "%s: ", query_cli.name);
    pf_term_puts(stderr, text);
    fputc('\n', stderr);
}

void init_bar(pf_progress *bar, bool is_quiet)
{
    const pf_term term = pf_term_of(stderr);
    const pf_progress_options how = {.file = stderr,
                                     .can_redraw = term.can_redraw,
                                     .is_quiet = is_quiet,
                                     .columns = term.columns};
    pf_progress_init(bar, &how);
}

/* ---- notes ---- */

/* What was noted, one line after the other; what finds no room is counted. */
static struct {
    char text[16384];
    size_t size, n_dropped;
} kept;

void keep_note(void *context, pf_note_kind kind, const char *text)
{
    const bool is_for_all =
        kind == PF_NOTE_CATALOG || kind == PF_NOTE_NOTICE || kind == PF_NOTE_SANDBOX;
    const size_t n = strlen(text) + 1;
    (void)context;
    if (is_for_all ? command.quiet : !command.verbose)
        return;
    if (n > sizeof kept.text - kept.size) {
        kept.n_dropped++;
        return;
    }
    memcpy(kept.text + kept.size, text, n);
    kept.size += n;
}

void say_notes(void)
{
    for (size_t at = 0; at < kept.size; at += strlen(kept.text + at) + 1)
        say(kept.text + at);
    if (kept.n_dropped > 0)
        fprintf(stderr, "%s: and %zu notes more\n", query_cli.name, kept.n_dropped);
    kept.size = kept.n_dropped = 0;
}

/* ---- answers ---- */

static void say_too_long(size_t n, const char *one, const char *several)
{
    if (n > 0)
        fprintf(stderr,
                "%s: %zu %s longer than the model reads: only the beginning counts\n",
                query_cli.name, n, n == 1 ? one : several);
}

static void say_truncated(const pf_answer_about *about)
{
    if (about->is_truncated)
        say("the phrase is longer than the model reads: only its beginning counts");
    if (about->job == PF_JOB_PHRASES)
        say_too_long(about->n_truncated, "phrase is", "phrases are");
    else if (about->job == PF_JOB_EVALUATE)
        say_too_long(about->n_truncated, "question is", "questions are");
    else
        say_too_long(about->n_truncated, "label is", "labels are");
}

/* "no image has modality=XX; values: CT (12), MR (8) and 3 more" */
static void say_unmet(const pf_unmet *unmet)
{
    fprintf(stderr, "%s: no image has ", query_cli.name);
    pf_term_puts(stderr, unmet->filter);
    for (size_t i = 0; i < unmet->values.n_counts; i++) {
        fputs(i == 0 ? "; values: " : ", ", stderr);
        pf_term_puts(stderr, unmet->values.counts[i].value);
        fprintf(stderr, " (%zu)", unmet->values.counts[i].count);
    }
    if (unmet->values.n_more > 0)
        fprintf(stderr, " and %zu more", unmet->values.n_more);
    fputc('\n', stderr);
}

static void say_no_image_passes(const pf_answer *answer)
{
    const pf_unmet *unmet = pf_answer_unmet(answer);
    if (unmet)
        say_unmet(unmet);
    else
        say("no image matches the filter");
}

/* "214 images have all words": hits may be others. */
static void say_total_of_words(const pf_answer_about *about)
{
    static const char *const names[] = {[PF_FIND_IMAGES] = "image",
                                        [PF_FIND_CAPTIONS] = "caption",
                                        [PF_FIND_CASES] = "case"};
    const bool is_one = about->total == 1;
    fprintf(stderr, "%s: %zu %s%s %s %s of the words\n", query_cli.name, about->total,
            names[about->find], is_one ? "" : "s", is_one ? "has" : "have",
            about->total_of == PF_TOTAL_OF_ALL_WORDS ? "all" : "some");
}

/* "10 of 214", unless all of them are there to be seen. */
static void say_total(const pf_answer_about *about, size_t n_hits)
{
    if (command.format != FORMAT_TEXT || about->total == n_hits || n_hits == 0)
        return;
    if (about->total_of != PF_TOTAL_OF_FILTERS) {
        say_total_of_words(about);
        return;
    }
    fprintf(stderr, "%s: ", query_cli.name);
    if (about->offset > 0)
        fprintf(stderr, "%zu-%zu of %zu\n", about->offset + 1, about->offset + n_hits,
                about->total);
    else
        fprintf(stderr, "%zu of %zu\n", n_hits, about->total);
}

static void say_found(const pf_answer *answer, size_t n_hits)
{
    const pf_answer_about *about = pf_answer_get_about(answer);
    if (about->no_image_passes)
        say_no_image_passes(answer);
    else if (n_hits == 0 && about->offset > 0 && about->total > 0)
        fprintf(stderr, "%s: nothing behind the first %zu, %zu match%s\n",
                query_cli.name, about->offset, about->total,
                about->total == 1 ? "es" : "");
    else if (n_hits == 0)
        say("nothing found");
    else if (about->chance == PF_CHANCE_NO_BETTER)
        say("perhaps nothing here matches: the best hit is less near than what the "
            "catalog's own captions and pictures find in it");
}

/* One line for each: "no caption has 'pnuemothorax'; did you mean pneumothorax (41)?"
 */
static void say_missing(const pf_answer *answer)
{
    for (size_t i = 0; i < pf_answer_count_missing(answer); i++) {
        const pf_missing_word *m = pf_answer_missing(answer, i);
        fprintf(stderr, "%s: no caption has '", query_cli.name);
        pf_term_puts(stderr, m->word);
        fputc('\'', stderr);
        for (size_t k = 0; k < m->n_suggestions; k++) {
            const bool is_last = k + 1 == m->n_suggestions;
            fputs(k == 0 ? "; did you mean " : is_last ? " or " : ", ", stderr);
            pf_term_puts(stderr, m->suggestions[k].word);
            fprintf(stderr, " (%lld)", (long long)m->suggestions[k].captions);
        }
        fputs(m->n_suggestions > 0 ? "?\n" : "\n", stderr);
    }
}

static void say_values(const pf_answer *answer)
{
    const pf_counts *c = pf_answer_facet(answer, 0);
    if (pf_answer_get_about(answer)->no_image_passes)
        say_no_image_passes(answer);
    if (c->n_more > 0)
        fprintf(stderr, "%s: the %zu most frequent of %zu\n", query_cli.name,
                c->n_counts, c->n_counts + c->n_more);
}

static void say_groups(const pf_answer_about *about)
{
    char text[160];
    if (about->no_image_passes)
        say("no image matches the filter");
    else if (about->n_found == 0)
        say("no two images are that much alike");
    if (about->n_groups < about->n_found) {
        snprintf(text, sizeof text, "the %zu largest of %zu groups", about->n_groups,
                 about->n_found);
        say(text);
    }
    if (command.verbose) {
        snprintf(text, sizeof text, "%zu groups among %zu images in %.0f ms",
                 about->n_found, about->n_compared, about->took_ms);
        say(text);
    }
}

static void say_skipped(const pf_evaluation *e)
{
    char text[128];
    if (e->skipped == 0)
        return;
    snprintf(text, sizeof text, "%zu question%s skipped, no image answers %s",
             e->skipped, e->skipped == 1 ? "" : "s", e->skipped == 1 ? "it" : "them");
    say(text);
}

static void say_time(const char *folder, const pf_answer_about *about, size_t n_hits)
{
    char text[64];
    snprintf(text, sizeof text, "%zu hits in %.1f ms from ", n_hits, about->took_ms);
    fprintf(stderr, "%s: %s", query_cli.name, text);
    pf_term_puts(stderr, folder);
    fputc('\n', stderr);
}

void say_about(const char *folder, const pf_answer *answer)
{
    const pf_answer_about *about = pf_answer_get_about(answer);
    const size_t n_hits = pf_answer_count(answer);
    if (command.quiet)
        return;
    say_truncated(about);
    if (about->job == PF_JOB_DUPLICATES)
        say_groups(about);
    else if (about->job == PF_JOB_EVALUATE)
        say_skipped(pf_answer_evaluation(answer));
    else if (about->job == PF_JOB_VALUES)
        say_values(answer);
    else if (about->job == PF_JOB_PHRASES && n_hits == 0)
        say("nothing found");
    if (about->job != PF_JOB_SEARCH && about->job != PF_JOB_CLASSIFY_HITS)
        return;
    say_missing(answer);
    say_found(answer, n_hits);
    say_total(about, n_hits);
    if (command.verbose)
        say_time(folder, about, n_hits);
}

void say_odd_path(const char *path)
{
    fprintf(stderr, "%s: there are line breaks in '", query_cli.name);
    pf_term_puts(stderr, path);
    fputs("', which is left out; use --null\n", stderr);
}
