/*
 * run_search.c - the job without an option of its own: one question to the catalog.
 */
#include "core/base/mem.h"
#include "cli/interrupt.h"
#include "cli/term.h"
#include "core/search/thumbnails.h"
#include "query/open.h"
#include "query/print.h"
#include "query/query.h"
#include "query/say.h"
#include "query/sheet.h"

static bool get_picture(void *context, int64_t image_id, pf_buf *jpeg, pf_err *err)
{
    return pf_search_get_thumbnail(context, image_id, jpeg, err);
}

static void say_sheet(const sheet *s)
{
    if (command.quiet)
        return;
    fprintf(stderr, "%s: wrote ", query_cli.name);
    pf_term_puts(stderr, command.sheet);
    if (s->n_missing > 0)
        fprintf(stderr, "; %zu picture%s could not be read", s->n_missing,
                s->n_missing == 1 ? "" : "s");
    fputc('\n', stderr);
}

static bool write_sheet(pf_search *search, const pf_query *query,
                        const pf_answer *answer, pf_err *err)
{
    char *words = sheet_question(query, err);
    sheet s = {.question = words,
               .find = query->find,
               .answer = answer,
               .picture = get_picture,
               .context = search,
               .stop = pf_interrupt_catch()};
    const bool ok = words && sheet_save(&s, command.sheet, err);
    if (ok)
        say_sheet(&s);
    pf_free(words);
    return ok;
}

static bool search_with(const pf_query *query, pf_err *err)
{
    pf_search *search = NULL;
    pf_notes notes = {0};
    pf_answer answer = {0};
    bool ok = open_search(&search, search_indexes(query), err) &&
              pf_search_run(search, query, &answer, &notes, err);
    say_notes(&notes, command.verbose);
    say_notice(search ? pf_search_notice(search) : NULL);
    if (ok) {
        say_about(search, &answer);
        print_answer(query, &answer);
        ok = !command.sheet || write_sheet(search, query, &answer, err);
    }
    pf_answer_reset(&answer);
    pf_search_close(search);
    return ok;
}

bool run_search(const pf_cli_args *args, pf_exit *status, pf_err *err)
{
    (void)status;
    question a = {0};
    const bool ok = question_make(&a, &command, args->items, args->n_items, err) &&
                    search_with(&a.query, err);
    question_reset(&a);
    return ok;
}
