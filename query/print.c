/* print.c - see print.h. Which of the printers --format asks for. */
#include "query/print.h"

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

void print_groups(double threshold, const pf_duplicates *d)
{
    switch (command.format) {
    case FORMAT_JSON:
        print_groups_json(stdout, threshold, d);
        break;
    case FORMAT_TSV:
        print_groups_tsv(stdout, d);
        break;
    default:
        print_groups_text(stdout, d);
        break;
    }
}
