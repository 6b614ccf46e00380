/*
 * print_facets.c - values and how many of what matches have them.
 *
 * modality: CT 12, MR 8, and 3 more
 *
 * behind the hits, and by themselves a line each:
 *
 *     12  CT
 */
#include "cli/term.h"
#include "query/print.h"

static void put_facet(FILE *out, const pf_counts *c)
{
    pf_term_puts(out, c->key);
    fputc(':', out);
    for (size_t i = 0; i < c->n_counts; i++) {
        fputs(i > 0 ? ", " : " ", out);
        pf_term_puts(out, c->counts[i].value);
        fprintf(out, " %zu", c->counts[i].count);
    }
    if (c->n_more > 0)
        fprintf(out, ", and %zu more", c->n_more);
    fputs(c->n_counts > 0 ? "\n" : " none\n", out);
}

void print_facets_text(FILE *out, const pf_answer *answer)
{
    const size_t n = pf_answer_count_facets(answer);
    if (pf_answer_get_about(answer)->job == PF_JOB_VALUES || n == 0)
        return;
    if (pf_answer_count(answer) > 0)
        fputc('\n', out);
    for (size_t i = 0; i < n; i++)
        put_facet(out, pf_answer_facet(answer, i));
}

void print_values_text(FILE *out, const pf_answer *answer)
{
    const pf_counts *c = pf_answer_facet(answer, 0);
    const int width =
        c->n_counts > 0 ? snprintf(NULL, 0, "%zu", c->counts[0].count) : 0;
    for (size_t i = 0; i < c->n_counts; i++) {
        fprintf(out, "%*zu  ", width > 5 ? width : 5, c->counts[i].count);
        pf_term_puts(out, c->counts[i].value);
        fputc('\n', out);
    }
}

void print_values_tsv(FILE *out, const pf_answer *answer)
{
    const pf_counts *c = pf_answer_facet(answer, 0);
    fprintf(out, "%s\tcount\n", c->key ? "value" : "key");
    for (size_t i = 0; i < c->n_counts; i++) {
        print_field(out, c->counts[i].value, '\t');
        fprintf(out, "%zu\n", c->counts[i].count);
    }
}
