/* say.c - see say.h. Whatever comes from outside goes through pf_term_puts(). */
#include "query/say.h"

#include "cli/term.h"
#include "query/query.h"

void say(const char *text)
{
    fprintf(stderr, "%s: ", query_cli.name);
    pf_term_puts(stderr, text);
    fputc('\n', stderr);
}

/* `is_wanted` or not, the notes are gone afterwards. */
void say_notes(pf_notes *notes, bool is_wanted)
{
    for (size_t i = 0; is_wanted && i < notes->count; i++)
        say(notes->line[i]);
    if (is_wanted && notes->dropped > 0)
        fprintf(stderr, "%s: and %zu notes more\n", query_cli.name, notes->dropped);
    pf_notes_reset(notes);
}

/* What the model's makers want told; NULL is fine. */
void say_notice(const char *notice)
{
    if (notice && !command.quiet)
        say(notice);
}

void say_failure(const char *path, const char *reason)
{
    fprintf(stderr, "%s: ", query_cli.name);
    pf_term_puts(stderr, path);
    fputs(": ", stderr);
    pf_term_puts(stderr, reason);
    fputc('\n', stderr);
}

void say_truncated(void)
{
    if (!command.quiet)
        say("the phrase is longer than the model reads: only its beginning counts");
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

void say_about(const pf_search *search, const pf_answer *answer)
{
    if (command.quiet)
        return;
    if (answer->n_truncated > 0)
        say_truncated();
    if (answer->no_image_passes)
        say("no image matches the filter");
    else if (answer->n_hits == 0)
        say("nothing found");
    else if (answer->chance == PF_CHANCE_NO_BETTER)
        say("the best hit is less near than captions here are to their own pictures: "
            "perhaps nothing here matches");
    if (command.verbose) {
        char text[64];
        snprintf(text, sizeof text, "%zu hits in %.1f ms from ", answer->n_hits,
                 answer->took_ms);
        fprintf(stderr, "%s: %s", query_cli.name, text);
        pf_term_puts(stderr, pf_search_folder(search));
        fputc('\n', stderr);
    }
}
