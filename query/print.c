/* print.c - see print.h. Which of the printers --format asks for. */
#include "query/print.h"

static bool print_json(const pf_answer *answer, pf_err *err)
{
    char *json;
    size_t n;
    if (!pf_answer_get_json(answer, &json, &n, err))
        return false;
    fwrite(json, 1, n, stdout);
    fputc('\n', stdout);
    pf_free(json);
    return true;
}

static void print_as_tsv(const pf_answer *answer)
{
    const pf_job job = pf_answer_get_about(answer)->job;
    if (job == PF_JOB_DUPLICATES)
        print_groups_tsv(stdout, answer);
    else if (job == PF_JOB_EVALUATE)
        print_evaluation_tsv(stdout, answer);
    else if (job == PF_JOB_VALUES)
        print_values_tsv(stdout, answer);
    else if (job == PF_JOB_CLASSIFY_HITS)
        print_labels(stdout, answer);
    else if (job != PF_JOB_CLASSIFY_PICTURES) /* these came one by one */
        print_tsv(stdout, answer, command.all_captions);
}

static void print_as_text(const pf_answer *answer)
{
    const pf_job job = pf_answer_get_about(answer)->job;
    if (job == PF_JOB_DUPLICATES)
        print_groups_text(stdout, answer);
    else if (job == PF_JOB_EVALUATE)
        print_evaluation_text(stdout, answer);
    else if (job == PF_JOB_VALUES)
        print_values_text(stdout, answer);
    else if (job == PF_JOB_CLASSIFY_HITS)
        print_labels(stdout, answer);
    else if (job != PF_JOB_CLASSIFY_PICTURES)
        print_text(stdout, answer);
    print_facets_text(stdout, answer);
}

/* A vector has one form alone. */
bool print_answer(const pf_answer *answer, pf_exit *status, pf_err *err)
{
    if (command.format == FORMAT_JSON || command.embed)
        return print_json(answer, err);
    if (command.format == FORMAT_TSV)
        print_as_tsv(answer);
    else if (command.format != FORMAT_PATHS)
        print_as_text(answer);
    else if (!print_paths(stdout, answer, command.ends_in_nul ? '\0' : '\n'))
        *status = PF_EXIT_PARTLY;
    return true;
}
