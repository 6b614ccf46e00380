/*
 * run_search.c - the jobs that search a catalog: one question, or --batch.
 */
#include "core/cli/term.h"
#include "query/query.h"

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

static void say_about(const pf_search *search, const pf_answer *answer)
{
    if (command.quiet)
        return;
    if (answer->n_truncated > 0)
        say_truncated();
    if (answer->no_image_passes)
        say("no image matches the filter");
    else if (answer->n_hits == 0)
        say("nothing found");
    if (command.verbose) {
        char text[64];
        snprintf(text, sizeof text, "%zu hits in %.1f ms from ", answer->n_hits,
                 answer->took_ms);
        fprintf(stderr, "%s: %s", query_cli.name, text);
        pf_term_puts(stderr, pf_search_folder(search));
        fputc('\n', stderr);
    }
}

static void print_answer(const pf_query *query, const pf_answer *answer)
{
    switch (command.format) {
    case FORMAT_JSON:
        print_json(stdout, query, answer);
        break;
    case FORMAT_TSV:
        print_tsv(stdout, query->find, answer, query->collapse >= 0);
        break;
    case FORMAT_PATHS:
        print_paths(stdout, answer, command.ends_in_nul ? '\0' : '\n');
        break;
    default:
        print_text(stdout, query->find, answer, command.verbose);
        break;
    }
}

/* What the question looks at: for words the captions, too. */
static unsigned indexes_of(const pf_query *q)
{
    const bool may_be_both =
        q->by == PF_BY_DEFAULT && q->n_parts == 1 && q->parts[0].kind == PF_PART_PHRASE;
    const bool has_words = q->by == PF_BY_WORDS || q->by == PF_BY_BOTH || may_be_both;
    return (unsigned)q->find | (has_words ? PF_FIND_CAPTIONS : 0u);
}

static bool search_with(const pf_query *query, pf_err *err)
{
    pf_search *search = NULL;
    pf_notes notes = {0};
    pf_answer answer = {0};
    const bool ok = open_search(&search, indexes_of(query), err) &&
                    pf_search_run(search, query, &answer, &notes, err);
    say_notes(&notes, command.verbose);
    say_notice(search ? pf_search_notice(search) : NULL);
    if (ok) {
        say_about(search, &answer);
        print_answer(query, &answer);
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
