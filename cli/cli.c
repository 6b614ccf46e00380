/*
 * cli.c - see cli.h. Parsing and checking; cli_help.c writes what is shown.
 *
 * The arguments are walked twice: first without storing, so that a misuse leaves all
 * values alone and the help shows defaults, then for good.
 */
#include "cli/cli.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/spelling.h"
#include "cli/cli_builtin.h"

const pf_opt pf_cli_builtins[] = {
    {.kind = PF_OPT_FLAG, .short_name = 'h', .name = "help", .help = "show this help"},
    {.kind = PF_OPT_FLAG, .name = "version", .help = "show the version"},
    {.kind = PF_OPT_FLAG, .name = "help-options"}, /* not shown */
    {.kind = PF_OPT_END},
};

pf_exit pf_exit_of(const pf_err *err)
{
    switch (err->code) {
    case PF_OK:
        return PF_EXIT_DONE;
    case PF_ERR_MISUSE:
        return PF_EXIT_MISUSED;
    case PF_ERR_BUSY:
        return PF_EXIT_LOCKED;
    default:
        return PF_EXIT_FAILED;
    }
}

typedef struct {
    const pf_cli *cli;
    pf_cli_args *args;
    int argc;
    char *const *argv;
    int at;        /* the argument being read */
    bool is_final; /* the second walk: store */
    pf_err *err;
} walker;

static bool misuse(walker *w, const char *fmt, ...) PF_PRINTF(2, 3);

static bool misuse(walker *w, const char *fmt, ...)
{
    char text[400];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return pf_fail(w->err, PF_ERR_MISUSE, "%s (see %s --help)", text, w->cli->name);
}

static bool is_option(const pf_opt *o)
{
    return o->kind != PF_OPT_HEADING;
}

static const pf_opt *find_in(const pf_opt *opts, const char *name, size_t n, char c)
{
    for (const pf_opt *o = opts; o->kind != PF_OPT_END; o++) {
        if (!is_option(o))
            continue;
        if (name ? strncmp(o->name, name, n) == 0 && o->name[n] == '\0'
                 : o->short_name == c)
            return o;
    }
    return NULL;
}

/* By long name (`n` bytes), or by short name when `name` is NULL. */
static const pf_opt *find_option(const pf_cli *cli, const char *name, size_t n, char c)
{
    const pf_opt *o = find_in(cli->opts, name, n, c);
    return o ? o : find_in(pf_cli_builtins, name, n, c);
}

/* Suggestions. */

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

typedef struct {
    const char *name;
    size_t distance;
    const char *longer; /* the name that what was typed begins */
    bool is_ambiguous;  /* it begins several */
} suggestion;

static void compare_with(suggestion *s, const pf_opt *opts, const char *typed, size_t n)
{
    for (const pf_opt *o = opts; o->kind != PF_OPT_END; o++) {
        if (!is_option(o) || !o->help)
            continue;
        size_t length = strlen(o->name);
        if (n >= 2 && length > n && strncmp(o->name, typed, n) == 0) {
            s->is_ambiguous = s->longer != NULL;
            s->longer = o->name;
        }
        if (length > PF_SPELLING_MAX)
            continue;
        size_t d = pf_spelling_distance(typed, n, o->name, length);
        if (d < s->distance && pf_spelling_is_near(d, n, length)) {
            s->distance = d;
            s->name = o->name;
        }
    }
}

static const char *suggest(const pf_cli *cli, const char *typed, size_t n)
{
    suggestion s = {.distance = (size_t)-1};
    if (n > PF_SPELLING_MAX)
        return NULL;
    compare_with(&s, cli->opts, typed, n);
    compare_with(&s, pf_cli_builtins, typed, n);
    return s.longer && !s.is_ambiguous ? s.longer : s.name;
}

/* Values. */

static bool check_range(walker *w, const pf_opt *o, const char *text, double value)
{
    if ((o->min == 0 && o->max == 0) || (value >= o->min && value <= o->max))
        return true;
    return misuse(w, "--%s '%.80s' is outside %.15g..%.15g", o->name, text, o->min,
                  o->max);
}

static bool store_int(walker *w, const pf_opt *o, const char *text)
{
    const char *digits = text[0] == '-' ? text + 1 : text;
    if (digits[0] == '\0' || strspn(digits, "0123456789") != strlen(digits))
        return misuse(w, "--%s '%.80s' is not a whole number", o->name, text);
    errno = 0;
    long long value = strtoll(text, NULL, 10);
    if (errno == ERANGE && o->min == 0 && o->max == 0)
        return misuse(w, "--%s '%.80s' is too large", o->name, text);
    if (!check_range(w, o, text, (double)value))
        return false;
    if (w->is_final)
        *(int64_t *)o->to = value;
    return true;
}

/* strtod() would also take blanks, hexadecimal, infinities and NaN. */
static bool read_real(const char *text, double *value)
{
    char *end = NULL;
    *value = 0;
    if (text[0] != '\0' && strspn(text, "0123456789+-.eE") == strlen(text))
        *value = strtod(text, &end);
    return end && end != text && *end == '\0';
}

static bool store_real(walker *w, const pf_opt *o, const char *text)
{
    double value;
    if (!read_real(text, &value))
        return misuse(w, "--%s '%.80s' is not a number", o->name, text);
    if (!isfinite(value))
        return misuse(w, "--%s '%.80s' is too large", o->name, text);
    if (!check_range(w, o, text, value))
        return false;
    if (w->is_final)
        *(double *)o->to = value;
    return true;
}

static bool store_choice(walker *w, const pf_opt *o, const char *text)
{
    char all[256] = "";
    size_t n = 0;
    for (int i = 0; o->choices[i]; i++) {
        if (strcmp(o->choices[i], text) == 0) {
            if (w->is_final)
                *(int *)o->to = i;
            return true;
        }
        int more =
            snprintf(all + n, sizeof all - n, "%s%s", i ? ", " : "", o->choices[i]);
        n = smaller(n + (size_t)more, sizeof all - 1);
    }
    return misuse(w, "--%s '%.80s' is none of: %s", o->name, text, all);
}

static void add_item(walker *w, int tag, const char *value)
{
    pf_cli_args *args = w->args;
    args->n_plain += tag == 0;
    if (w->is_final)
        args->items[args->n_items++] = (pf_cli_item){tag, value};
}

static bool store(walker *w, const pf_opt *o, const char *text)
{
    if ((o->kind == PF_OPT_STRING || (o->kind == PF_OPT_LIST && !o->may_be_empty)) &&
        text[0] == '\0')
        return misuse(w, "--%s has an empty value", o->name);
    switch (o->kind) {
    case PF_OPT_STRING:
        if (w->is_final)
            *(const char **)o->to = text;
        return true;
    case PF_OPT_LIST:
        add_item(w, o->tag, text);
        return true;
    case PF_OPT_INT:
        return store_int(w, o, text);
    case PF_OPT_REAL:
    case PF_OPT_MAYBE:
        return store_real(w, o, text);
    case PF_OPT_CHOICE:
        return store_choice(w, o, text);
    case PF_OPT_FLAG:
    case PF_OPT_HEADING:
    case PF_OPT_END:
        break;
    }
    return misuse(w, "--%s takes no value", o->name);
}

static void set_flag(walker *w, const pf_opt *o)
{
    static const pf_cli_action actions[] = {PF_CLI_HELP, PF_CLI_VERSION,
                                            PF_CLI_OPTIONS};
    for (size_t i = 0; i < 3; i++) {
        if (o == &pf_cli_builtins[i]) {
            if (w->args->action == PF_CLI_RUN) /* the first one counts */
                w->args->action = actions[i];
            return;
        }
    }
    if (w->is_final)
        *(bool *)o->to = true;
}

/* Nothing is attached: the next argument may be the value, or none is given. "-0" is
 * another option. */
static bool take_number(walker *w, const pf_opt *o)
{
    const char *next = w->at + 1 < w->argc ? w->argv[w->at + 1] : "";
    double value;
    if (o->takes_number && next[0] != '-' && read_real(next, &value))
        return store(w, o, w->argv[++w->at]);
    if (w->is_final)
        *(double *)o->to = o->implied;
    return true;
}

/* Give the option its value: `attached`, or the next argument when that is NULL. */
static bool take_value(walker *w, const pf_opt *o, const char *attached)
{
    if (!attached && o->kind == PF_OPT_MAYBE)
        return take_number(w, o);
    if (!attached) {
        if (w->at + 1 >= w->argc)
            return misuse(w, "--%s needs a value (%s)", o->name, o->arg);
        attached = w->argv[++w->at];
    }
    return store(w, o, attached);
}

static bool read_long(walker *w, const char *text)
{
    size_t n = strcspn(text, "=");
    const char *value = text[n] == '=' ? text + n + 1 : NULL;
    const pf_opt *o = find_option(w->cli, text, n, 0);
    if (!o) {
        const char *near = suggest(w->cli, text, n);
        int shown = n < 80 ? (int)n : 80;
        if (near)
            return misuse(w, "unknown option '--%.*s', did you mean '--%s'?", shown,
                          text, near);
        return misuse(w, "unknown option '--%.*s'", shown, text);
    }
    if (o->kind != PF_OPT_FLAG)
        return take_value(w, o, value);
    if (value)
        return misuse(w, "--%s takes no value", o->name);
    set_flag(w, o);
    return true;
}

/* One or more flags, then perhaps an option with its value. */
static bool read_short(walker *w, const char *letters)
{
    for (const char *c = letters; *c; c++) {
        const pf_opt *o = find_option(w->cli, NULL, 0, *c);
        if (!o)
            return misuse(w, "unknown option '-%c'",
                          (unsigned char)*c < 0x80 ? *c : '?');
        if (o->kind != PF_OPT_FLAG)
            return take_value(w, o, c[1] ? c + 1 : NULL);
        set_flag(w, o);
    }
    return true;
}

static bool read_plain(walker *w, const char *text)
{
    if (w->args->n_plain >= w->cli->max_plain)
        return misuse(w, "unexpected argument '%.80s'", text);
    add_item(w, 0, text);
    return true;
}

static bool walk(walker *w)
{
    bool options_ended = false;
    w->args->n_plain = 0;
    for (w->at = 1; w->at < w->argc; w->at++) {
        const char *text = w->argv[w->at];
        bool ok;
        if (options_ended || text[0] != '-' || text[1] == '\0') {
            ok = read_plain(w, text);
        } else if (strcmp(text, "--") == 0) {
            options_ended = true;
            ok = true;
        } else {
            ok = text[1] == '-' ? read_long(w, text + 2) : read_short(w, text + 1);
        }
        /* Whoever asked for help gets it, whatever else is wrong behind it. */
        if (w->args->action != PF_CLI_RUN)
            return true;
        if (!ok)
            return false;
    }
    return true;
}

bool pf_cli_parse(pf_cli_args *args, const pf_cli *cli, int argc, char *const argv[],
                  pf_err *err)
{
    *args = (pf_cli_args){.action = PF_CLI_RUN};
    walker w = {.cli = cli, .args = args, .argc = argc, .argv = argv, .err = err};
    bool ok = walk(&w);
    if (ok && args->action != PF_CLI_RUN)
        return true;
    if (ok) {
        args->items =
            pf_alloc_array(argc > 0 ? (size_t)argc : 1, sizeof *args->items, err);
        w.is_final = true;
        ok = args->items && walk(&w);
    }
    if (!ok)
        pf_cli_args_free(args);
    return ok;
}

void pf_cli_args_free(pf_cli_args *args)
{
    pf_free(args->items);
    *args = (pf_cli_args){.action = PF_CLI_RUN};
}

const char *pf_cli_first(const pf_cli_args *args, int tag)
{
    for (size_t i = 0; i < args->n_items; i++) {
        if (args->items[i].tag == tag)
            return args->items[i].value;
    }
    return NULL;
}

/* Checking a table. */

static bool check_place(const pf_opt *o, pf_err *err)
{
    bool has_arg = o->arg && o->arg[0];
    if (has_arg == (o->kind == PF_OPT_FLAG))
        return pf_fail(err, PF_ERR_MISUSE, "--%s: only a flag has no 'arg'", o->name);
    if ((o->to == NULL) != (o->kind == PF_OPT_LIST) ||
        (o->tag != 0) != (o->kind == PF_OPT_LIST))
        return pf_fail(err, PF_ERR_MISUSE, "--%s: a list has a tag, others a place",
                       o->name);
    if ((o->choices != NULL) != (o->kind == PF_OPT_CHOICE))
        return pf_fail(err, PF_ERR_MISUSE, "--%s: choices belong to a choice", o->name);
    return true;
}

static bool check_default(const pf_opt *o, pf_err *err)
{
    double value = 0;
    if (o->kind == PF_OPT_INT)
        value = (double)*(const int64_t *)o->to;
    else if (o->kind == PF_OPT_REAL)
        value = *(const double *)o->to;
    else if (o->kind == PF_OPT_MAYBE)
        value = o->implied;
    else
        return true;
    /* A default that is not shown may lie outside: it stands for "not given". */
    if ((o->default_text && o->kind != PF_OPT_MAYBE) || (o->min == 0 && o->max == 0) ||
        (value >= o->min && value <= o->max))
        return true;
    return pf_fail(err, PF_ERR_MISUSE, "--%s: default %g is outside its limits",
                   o->name, value);
}

static bool check_option(const pf_cli *cli, const pf_opt *o, pf_err *err)
{
    size_t n = o->name ? strlen(o->name) : 0;
    if (n < 2 || strspn(o->name, "abcdefghijklmnopqrstuvwxyz0123456789-") != n)
        return pf_fail(err, PF_ERR_MISUSE, "'%s' is no name for an option",
                       o->name ? o->name : "");
    if (!o->help || !o->help[0])
        return pf_fail(err, PF_ERR_MISUSE, "--%s has no help", o->name);
    if (find_in(cli->opts, o->name, n, 0) != o ||
        find_in(pf_cli_builtins, o->name, n, 0))
        return pf_fail(err, PF_ERR_MISUSE, "--%s is there twice", o->name);
    char c = o->short_name;
    if (c && (c == '-' || find_in(cli->opts, NULL, 0, c) != o ||
              find_in(pf_cli_builtins, NULL, 0, c)))
        return pf_fail(err, PF_ERR_MISUSE, "-%c is there twice", c);
    return check_place(o, err) && check_default(o, err);
}

bool pf_cli_check(const pf_cli *cli, pf_err *err)
{
    for (const pf_opt *o = cli->opts; o->kind != PF_OPT_END; o++) {
        if (is_option(o) && !check_option(cli, o, err))
            return false;
    }
    return true;
}
