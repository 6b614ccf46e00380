/*
 * cli_help.c - see cli.h. The help, the version, and the dump for scripts.
 *
 * Layout: names of options in the first 28 columns, their help behind them, wrapped at
 * column 80. A name that is too long has its help start on the next line.
 */
#include <string.h>

#include "cli/cli.h"
#include "cli/cli_builtin.h"
#include "include/plainfilm.h"

enum { WIDTH = 80, HELP_COLUMN = 28 };

/* Columns of the text: code points, since the texts are ours and plain. */
static size_t columns_of(const char *s, size_t n)
{
    size_t columns = 0;
    for (size_t i = 0; i < n; i++)
        columns += ((unsigned char)s[i] & 0xC0) != 0x80;
    return columns;
}

/* A place in the output: the next word goes behind `column`, a new line begins at
 * `indent`. */
typedef struct {
    FILE *out;
    size_t indent, column;
    bool is_line_start;
} wrapper;

static void new_line(wrapper *w)
{
    fprintf(w->out, "\n");
    w->column = 0;
    w->is_line_start = true;
}

static void put_word(wrapper *w, const char *word, size_t n)
{
    size_t columns = columns_of(word, n);
    if (!w->is_line_start && w->column + 1 + columns > WIDTH)
        new_line(w);
    if (w->is_line_start) {
        fprintf(w->out, "%*s", (int)(w->indent - w->column), "");
        w->column = w->indent;
    } else {
        fputc(' ', w->out);
        w->column++;
    }
    fwrite(word, 1, n, w->out);
    w->column += columns;
    w->is_line_start = false;
}

static void put_text(wrapper *w, const char *text)
{
    while (*text) {
        if (*text == '\n') {
            new_line(w);
            text++;
            continue;
        }
        size_t blanks = strspn(text, " ");
        text += blanks;
        size_t n = strcspn(text, " \n");
        if (n > 0)
            put_word(w, text, n);
        text += n;
    }
}

static void put_paragraph(FILE *out, size_t indent, const char *text)
{
    wrapper w = {.out = out, .indent = indent, .is_line_start = true};
    put_text(&w, text);
    fputc('\n', out);
}

/* The default as the help shows it; "" when there is nothing to say. */
static void write_default(char *text, size_t size, const pf_opt *o)
{
    text[0] = '\0';
    if (o->default_text)
        snprintf(text, size, "%s", o->default_text);
    else if (o->kind == PF_OPT_STRING && *(const char *const *)o->to)
        snprintf(text, size, "%s", *(const char *const *)o->to);
    else if (o->kind == PF_OPT_INT)
        snprintf(text, size, "%lld", (long long)*(const int64_t *)o->to);
    else if (o->kind == PF_OPT_REAL)
        snprintf(text, size, "%g", *(const double *)o->to);
    else if (o->kind == PF_OPT_MAYBE)
        snprintf(text, size, "%g", o->implied);
    else if (o->kind == PF_OPT_CHOICE)
        snprintf(text, size, "%s", o->choices[*(const int *)o->to]);
}

/* Help, choices and default in one piece, which is wrapped as such. */
static void put_help(wrapper *w, const pf_opt *o)
{
    char word[160];
    put_text(w, o->help);
    for (int i = 0; o->kind == PF_OPT_CHOICE && o->choices[i]; i++) {
        const char *next = o->choices[i + 1];
        snprintf(word, sizeof word, "%s%s", o->choices[i],
                 !next               ? ""
                 : o->choices[i + 2] ? ","
                                     : " or");
        put_text(w, word);
    }
    char value[128];
    write_default(value, sizeof value, o);
    if (value[0]) {
        snprintf(word, sizeof word, "(default: %s)", value);
        put_text(w, word);
    }
}

static void put_option(FILE *out, const pf_opt *o)
{
    if (!o->help)
        return;
    char name[128];
    const bool is_maybe = o->kind == PF_OPT_MAYBE;
    snprintf(name, sizeof name, "  %c%c%s--%s%s%s%s", o->short_name ? '-' : ' ',
             o->short_name ? o->short_name : ' ', o->short_name ? ", " : "  ", o->name,
             is_maybe ? "[="
             : o->arg ? " "
                      : "",
             o->arg ? o->arg : "", is_maybe ? "]" : "");
    size_t columns = columns_of(name, strlen(name));
    wrapper w = {.out = out, .indent = HELP_COLUMN, .column = columns};
    fprintf(out, "%s", name);
    w.is_line_start = true;
    if (columns + 2 > HELP_COLUMN)
        new_line(&w);
    put_help(&w, o);
    fputc('\n', out);
}

static void put_usage(const pf_cli *cli, FILE *out)
{
    const char *line = cli->usage;
    for (bool is_first = true; *line; is_first = false) {
        size_t n = strcspn(line, "\n");
        fprintf(out, "%s %s %.*s\n", is_first ? "Usage:" : "      ", cli->name, (int)n,
                line);
        line += n + (line[n] == '\n');
    }
}

void pf_cli_help(const pf_cli *cli, FILE *out)
{
    put_usage(cli, out);
    fputc('\n', out);
    put_paragraph(out, 0, cli->summary);
    if (cli->opts[0].kind != PF_OPT_HEADING)
        fprintf(out, "\nOptions:\n");
    for (const pf_opt *o = cli->opts; o->kind != PF_OPT_END; o++) {
        if (o->kind == PF_OPT_HEADING)
            fprintf(out, "\n%s:\n", o->help);
        else
            put_option(out, o);
    }
    for (const pf_opt *o = pf_cli_builtins; o->kind != PF_OPT_END; o++)
        put_option(out, o);
    if (cli->examples && cli->examples[0])
        fprintf(out, "\nExamples:\n");
    for (const char *const *e = cli->examples; e && e[0] && e[1]; e += 2) {
        put_paragraph(out, 2, e[0]);
        fprintf(out, "    %s\n", e[1]);
    }
    fputc('\n', out);
    put_paragraph(out, 0,
                  "Exit status: 0 done, 1 failed, 2 misused, 3 done but some files "
                  "failed, 75 the catalog is locked by another indexer.");
}

void pf_cli_version(const pf_cli *cli, FILE *out)
{
    fprintf(out, "%s %s\n", cli->name, pf_version());
}

static const char *kind_name(pf_opt_kind kind)
{
    switch (kind) {
    case PF_OPT_FLAG:
        return "flag";
    case PF_OPT_STRING:
        return "string";
    case PF_OPT_LIST:
        return "list";
    case PF_OPT_INT:
        return "int";
    case PF_OPT_REAL:
        return "real";
    case PF_OPT_CHOICE:
        return "choice";
    case PF_OPT_MAYBE:
        return "maybe";
    case PF_OPT_HEADING:
    case PF_OPT_END:
        break;
    }
    return "";
}

static void dump_option(const pf_opt *o, FILE *out)
{
    char letter[2] = {o->short_name ? o->short_name : '-', '\0'};
    fprintf(out, "%s\t%s\t%s\t%s\t", o->name, letter, kind_name(o->kind),
            o->arg ? o->arg : "-");
    for (int i = 0; o->choices && o->choices[i]; i++)
        fprintf(out, "%s%s", i ? "," : "", o->choices[i]);
    fprintf(out, "%s\t", o->choices ? "" : "-");
    for (const char *c = o->help; *c; c++)
        fputc(*c == '\n' || *c == '\t' ? ' ' : *c, out);
    fputc('\n', out);
}

void pf_cli_options(const pf_cli *cli, FILE *out)
{
    const pf_opt *const tables[] = {cli->opts, pf_cli_builtins};
    for (size_t i = 0; i < 2; i++) {
        for (const pf_opt *o = tables[i]; o->kind != PF_OPT_END; o++) {
            if (o->kind != PF_OPT_HEADING && o->help)
                dump_option(o, out);
        }
    }
}

bool pf_cli_answer(const pf_cli *cli, pf_cli_action action, FILE *out)
{
    switch (action) {
    case PF_CLI_HELP:
        pf_cli_help(cli, out);
        return true;
    case PF_CLI_VERSION:
        pf_cli_version(cli, out);
        return true;
    case PF_CLI_OPTIONS:
        pf_cli_options(cli, out);
        return true;
    case PF_CLI_RUN:
        break;
    }
    return false;
}
