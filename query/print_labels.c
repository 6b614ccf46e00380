/*
 * print_labels.c - what pictures were classified as: for people, programs and
 * spreadsheets.
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

void label_printer_begin(label_printer *p, const pf_query *query,
                         const pf_answer *answer)
{
    p->query = query;
    p->n_hits = answer ? answer->n_hits : 0;
    p->score_width = answer ? print_score_width(answer) : 0;
    if (command.format == FORMAT_TSV)
        fputs("path\tlabel\tprobability\n", p->out);
    if (command.format != FORMAT_JSON)
        return;
    pf_json_writer_init(&p->json, p->out);
    pf_json_begin_object(&p->json, NULL);
    if (answer)
        print_json_about(&p->json, query, answer);
    if (!p->is_single)
        pf_json_begin_array(&p->json, "images");
}

static void print_as_json(label_printer *p, const labelled *l)
{
    pf_json_writer *w = &p->json;
    if (!p->is_single)
        pf_json_begin_object(w, NULL);
    if (l->hit)
        print_json_place(w, l->hit, l->rank);
    pf_json_write_string(w, "path", l->path);
    pf_json_begin_array(w, "labels");
    for (size_t i = 0; i < p->labels->n; i++) {
        pf_json_begin_object(w, NULL);
        pf_json_write_string(w, "label", p->labels->name[l->scores[i].label]);
        pf_json_write_real(w, "probability", l->scores[i].probability, 7);
        pf_json_end_object(w);
    }
    pf_json_end_array(w);
    if (l->hit)
        print_json_duplicates(w, p->query, l->hit);
    if (!p->is_single)
        pf_json_end_object(w);
}

static void print_as_tsv(label_printer *p, const labelled *l)
{
    for (size_t i = 0; i < p->labels->n; i++) {
        print_field(p->out, l->path, '\t');
        print_field(p->out, p->labels->name[l->scores[i].label], '\t');
        fprintf(p->out, "%.7g\n", l->scores[i].probability);
    }
}

static void print_as_text(label_printer *p, const labelled *l)
{
    const pf_term term = pf_term_of(p->out);
    size_t indent = p->is_single ? 0 : 2;
    if (l->hit) {
        indent = print_image_line(p->out, l->hit, l->rank, p->n_hits, p->score_width);
    } else if (!p->is_single) {
        fputs(term.has_color ? "\033[1m" : "", p->out);
        pf_term_puts(p->out, l->path);
        fputs(term.has_color ? "\033[0m\n" : "\n", p->out);
    }
    for (size_t i = 0; i < p->labels->n; i++) {
        fprintf(p->out, "%*s%.3f  ", (int)indent, "", l->scores[i].probability);
        pf_term_puts(p->out, p->labels->name[l->scores[i].label]);
        fputc('\n', p->out);
    }
}

void label_printer_put(label_printer *p, const labelled *l)
{
    if (command.format == FORMAT_JSON)
        print_as_json(p, l);
    else if (command.format == FORMAT_TSV)
        print_as_tsv(p, l);
    else
        print_as_text(p, l);
}

void label_printer_end(label_printer *p)
{
    if (command.format != FORMAT_JSON)
        return;
    if (!p->is_single)
        pf_json_end_array(&p->json);
    pf_json_end_object(&p->json);
}
