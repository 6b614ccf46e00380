/*
 * say.c - the conversation on stderr. Texts may come from files of unknown origin: they
 * go through pf_term_puts().
 */
#include "core/cli/term.h"
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
