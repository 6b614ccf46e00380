/*
 * print_labels.c - what pictures were classified as: for people and for spreadsheets.
 *
 *   films/a.png
 *     0.973  chest x-ray
 *     0.027  head CT
 *
 * The name is left out when there is one picture only. Pictures are printed as they
 * come: a folder of any size needs no memory.
 */
#include "cli/term.h"
#include "query/print.h"

static void put_header(FILE *out)
{
    if (command.format == FORMAT_TSV)
        fputs("path\tlabel\tprobability\n", out);
}

static void put_tsv(FILE *out, const char *path, const pf_label *labels, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        print_field(out, path, '\t');
        print_field(out, labels[i].name, '\t');
        fprintf(out, "%.7g\n", labels[i].probability);
    }
}

static void put_text(FILE *out, size_t indent, const pf_label *labels, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        fprintf(out, "%*s%.3f  ", (int)indent, "", labels[i].probability);
        pf_term_puts(out, labels[i].name);
        fputc('\n', out);
    }
}

void label_printer_init(label_printer *p, bool is_single, FILE *out)
{
    *p = (label_printer){.out = out, .is_single = is_single};
}

static void begin(label_printer *p)
{
    if (!p->is_begun)
        put_header(p->out);
    p->is_begun = true;
}

void label_printer_put(label_printer *p, const pf_classified *picture)
{
    const pf_term term = pf_term_of(p->out);
    begin(p);
    if (command.format == FORMAT_TSV) {
        put_tsv(p->out, picture->path, picture->labels, picture->n_labels);
        return;
    }
    if (!p->is_single) {
        fputs(term.has_color ? "\033[1m" : "", p->out);
        pf_term_puts(p->out, picture->path);
        fputs(term.has_color ? "\033[0m\n" : "\n", p->out);
    }
    put_text(p->out, p->is_single ? 0 : 2, picture->labels, picture->n_labels);
}

void label_printer_end(label_printer *p)
{
    begin(p);
}

void print_labels(FILE *out, const pf_answer *answer)
{
    put_header(out);
    for (size_t i = 0; i < pf_answer_count(answer); i++) {
        size_t n;
        const pf_label *labels = pf_answer_labels(answer, i, &n);
        if (command.format == FORMAT_TSV)
            put_tsv(out, pf_answer_hit(answer, i)->path, labels, n);
        else
            put_text(out, print_image_line(out, answer, i), labels, n);
    }
}
