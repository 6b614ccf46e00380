/*
 * run_search.c - the jobs that search a catalog: one question, or --batch.
 */
#include "core/base/mem.h"
#include "core/cli/term.h"
#include "core/search/thumbnails.h"
#include "query/query.h"
#include "query/sheet.h"

bool open_search(pf_search **out, unsigned find, pf_err *err)
{
    const pf_search_options where = {
        .folder = command.catalog,
        .find = find,
        .model = command.model,
        .tokenizer = command.tokenizer,
        .words = {command.synonyms, command.no_negation},
    };
    pf_notes notes = {0};
    const bool ok = pf_search_open(out, &where, &notes, err);
    say_notes(&notes, !command.quiet);
    return ok;
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

void print_answer(const pf_query *query, const pf_answer *answer)
{
    switch (command.format) {
    case FORMAT_JSON:
        print_json(stdout, query, answer);
        break;
    case FORMAT_TSV:
        print_tsv(stdout, query->find, answer, query->collapses);
        break;
    case FORMAT_PATHS:
        print_paths(stdout, answer, command.ends_in_nul ? '\0' : '\n');
        break;
    default:
        print_text(stdout, query->find, answer, command.verbose);
        break;
    }
}

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
               .context = search};
    const bool ok = words && sheet_save(&s, command.sheet, err);
    if (ok)
        say_sheet(&s);
    pf_free(words);
    return ok;
}

/* For both the vectors of captions, too, for words none unless hits are folded. */
unsigned search_indexes(const pf_query *q)
{
    const bool may_be_both =
        q->by == PF_BY_DEFAULT && q->n_parts == 1 && q->parts[0].kind == PF_PART_PHRASE;
    if (q->by == PF_BY_WORDS)
        return q->collapses ? (unsigned)q->find : 0;
    return (unsigned)q->find |
           (q->by == PF_BY_BOTH || may_be_both ? PF_FIND_CAPTIONS : 0u);
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

/* What the makers of the model want told comes last: the model is opened on the way. */
bool run_batch(const pf_cli_args *args, pf_exit *status, pf_err *err)
{
    (void)status;
    pf_search *search = NULL;
    pf_notes notes = {0};
    bool ok =
        open_search(&search, PF_FIND_IMAGES | PF_FIND_CAPTIONS | PF_FIND_CASES, err);
    const batch b = {
        .in = stdin,
        .out = stdout,
        .search = search,
        .notes = &notes,
        .how = &command,
        .items = args->items,
        .n_items = args->n_items,
    };
    ok = ok && batch_run(&b, err);
    say_notes(&notes, command.verbose);
    say_notice(search ? pf_search_notice(search) : NULL);
    pf_search_close(search);
    return ok;
}
