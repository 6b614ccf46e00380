/* report.c - see report.h. */
#include "indexer/report.h"

#include <string.h>
#include <time.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "cli/term.h"

enum { LISTED = 20 };

/* ---- rows without a picture, pictures without a row ---- */

static void stale_json(pf_json_writer *w, const char *table, size_t line,
                       const char *name, bool is_ambiguous)
{
    pf_json_begin_object(w, NULL);
    pf_json_write_path(w, "table", table);
    pf_json_write_int(w, "line", (int64_t)line);
    pf_json_write_string(w, "name", name);
    pf_json_write_bool(w, "ambiguous", is_ambiguous);
    pf_json_end_object(w);
}

static void stale_text(FILE *out, const char *table, size_t line, const char *name,
                       bool is_ambiguous)
{
    fputs("no picture: ", out);
    pf_term_puts(out, table);
    fprintf(out, ": line %zu: ", line);
    pf_term_puts(out, name);
    fputs(is_ambiguous ? " (several are called that)\n" : "\n", out);
}

static void rowless_text(FILE *out, const char *path)
{
    fputs("no row: ", out);
    pf_term_puts(out, path);
    fputc('\n', out);
}

static void more_text(FILE *out, const char *what, size_t n)
{
    if (n > LISTED)
        fprintf(out, "%s: and %zu more, which -v lists\n", what, n - LISTED);
}

/* ---- a run ---- */

/* A picture without a row is no fault: many have no caption, and never will. */
bool pf_report_is_odd(const pf_run_report *report)
{
    return report->failed + report->n_stale > 0;
}

static double rate_of(const pf_run_report *r)
{
    return r->embed_seconds > 0 ? (double)r->embedded / r->embed_seconds : 0;
}

static void run_json(const pf_run_report *r, FILE *out)
{
    const struct {
        const char *key;
        int64_t value;
    } counts[] = {{"added", (int64_t)r->added},
                  {"updated", (int64_t)r->updated},
                  {"moved", (int64_t)r->moved},
                  {"removed", (int64_t)r->removed},
                  {"unchanged", (int64_t)r->unchanged},
                  {"failed", (int64_t)r->failed},
                  {"embedded", (int64_t)r->embedded},
                  {"kept", (int64_t)r->kept},
                  {"links_out", (int64_t)r->links_out},
                  {"refused_burned_in", (int64_t)r->burned_in},
                  {"captions_long", (int64_t)r->captions_long},
                  {"rows_without_picture", (int64_t)r->n_stale},
                  {"pictures_without_row", (int64_t)r->n_rowless},
                  {"images", r->images},
                  {"captions", r->captions},
                  {"cases", r->cases},
                  {"captions_cut", r->captions_cut},
                  {"images_without_caption", r->bare_images}};
    pf_json_writer w;
    pf_json_writer_init(&w, out);
    pf_json_begin_object(&w, NULL);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        pf_json_write_int(&w, counts[i].key, counts[i].value);
    pf_json_write_real(&w, "seconds", r->seconds, 6);
    pf_json_write_real(&w, "images_per_second", rate_of(r), 4);
    pf_json_begin_object(&w, "not_read");
    for (size_t i = 0; i < r->n_others; i++)
        pf_json_write_int(&w, r->others[i].name, (int64_t)r->others[i].count);
    pf_json_end_object(&w);
    pf_json_begin_array(&w, "failures");
    for (size_t i = 0; i < r->n_failures; i++) {
        pf_json_begin_object(&w, NULL);
        pf_json_write_path(&w, "path", r->failures[i].path);
        pf_json_write_string(&w, "reason", r->failures[i].reason);
        pf_json_end_object(&w);
    }
    pf_json_end_array(&w);
    pf_json_begin_array(&w, "stale_rows");
    for (size_t i = 0; i < r->n_stale; i++)
        stale_json(&w, r->stale[i].table, r->stale[i].line, r->stale[i].name,
                   r->stale[i].is_ambiguous);
    pf_json_end_array(&w);
    pf_json_begin_array(&w, "rowless_pictures");
    for (size_t i = 0; i < r->n_rowless; i++)
        pf_json_write_string(&w, NULL, r->rowless[i]);
    pf_json_end_array(&w);
    pf_json_begin_array(&w, "notices");
    for (size_t i = 0; i < r->n_notices; i++)
        pf_json_write_string(&w, NULL, r->notices[i]);
    pf_json_end_array(&w);
    pf_json_end_object(&w);
}

static void others_text(const pf_run_report *r, FILE *out)
{
    size_t n = 0;
    for (size_t i = 0; i < r->n_others; i++)
        n += r->others[i].count;
    if (n == 0)
        return;
    fprintf(out, "%zu files of kinds that are not read:", n);
    for (size_t i = 0; i < r->n_others; i++)
        fprintf(out, "%s %zu %s", i > 0 ? "," : "", r->others[i].count,
                r->others[i].name);
    fputc('\n', out);
}

static void tables_text(const pf_run_report *r, bool lists_all, FILE *out)
{
    if (r->n_stale + r->n_rowless == 0)
        return;
    fprintf(out, "rows without a picture: %zu, pictures without a row: %zu\n",
            r->n_stale, r->n_rowless);
    for (size_t i = 0; i < r->n_stale && (lists_all || i < LISTED); i++)
        stale_text(out, r->stale[i].table, r->stale[i].line, r->stale[i].name,
                   r->stale[i].is_ambiguous);
    if (!lists_all)
        more_text(out, "no picture", r->n_stale);
    for (size_t i = 0; i < r->n_rowless && (lists_all || i < LISTED); i++)
        rowless_text(out, r->rowless[i]);
    if (!lists_all)
        more_text(out, "no row", r->n_rowless);
}

static void run_text(const pf_run_report *r, const pf_report_options *o, FILE *out)
{
    const bool is_dry_run = o->is_dry_run;
    fprintf(
        out,
        "%s%zu added, %zu updated, %zu moved, %zu removed, %zu unchanged, %zu failed",
        is_dry_run ? "would be: " : "", r->added, r->updated, r->moved, r->removed,
        r->unchanged, r->failed);
    if (!is_dry_run)
        fprintf(out, " in %.1f s", r->seconds);
    if (r->embedded > 0)
        fprintf(out, " (%.1f images/s)", rate_of(r));
    fputc('\n', out);
    if (!is_dry_run)
        fprintf(out, "the catalog holds %lld images, %lld captions, %lld cases\n",
                (long long)r->images, (long long)r->captions, (long long)r->cases);
    if (r->links_out > 0)
        fprintf(out,
                "%zu links lead out of their source and were passed over; "
                "--follow-links takes them\n",
                r->links_out);
    if (r->burned_in > 0)
        fprintf(out,
                "%zu pictures may show a patient's name and were passed over; "
                "--allow-burned-in takes them\n",
                r->burned_in);
    if (r->captions_cut > 0)
        fprintf(out, "%lld captions are longer than the model reads, and were cut\n",
                (long long)r->captions_cut);
    others_text(r, out);
    if (r->captions_long > 0)
        fprintf(out,
                "%zu new captions are so long that the words at their end cannot be "
                "found\n",
                r->captions_long);
    for (size_t i = 0; i < r->n_failures; i++) {
        fputs("failed: ", out);
        pf_term_puts(out, r->failures[i].path);
        fputs(": ", out);
        pf_term_puts(out, r->failures[i].reason);
        fputc('\n', out);
    }
    tables_text(r, o->lists_all, out);
}

void pf_report_run(const pf_run_report *report, const pf_report_options *options,
                   FILE *out)
{
    if (options->json)
        run_json(report, out);
    else
        run_text(report, options, out);
}

/* ---- the catalog ---- */

typedef struct {
    bool json, lists_all;
    FILE *out;
    pf_json_writer w;
    size_t n_listed;
    pf_store *store;       /* of the catalog */
    const pf_hider *hider; /* or NULL: paths are shown */
    char hidden[PF_HIDDEN_ROOM];
} printer;

/* As it is shown, until the next one is. */
static const char *shown(printer *p, const char *path)
{
    if (!p->hider)
        return path;
    pf_hide_path(p->hider, path, p->hidden);
    return p->hidden;
}

static void say_string(printer *p, const char *key, const char *label,
                       const char *value)
{
    if (p->json) {
        pf_json_write_string(&p->w, key, value);
        return;
    }
    fprintf(p->out, "%-14s", label);
    pf_term_puts(p->out, value ? value : "none");
    fputc('\n', p->out);
}

static void say_path(printer *p, const char *key, const char *label, const char *path)
{
    if (p->json)
        pf_json_write_path(&p->w, key, path);
    else
        say_string(p, key, label, path);
}

static void say_int(printer *p, const char *key, const char *label, int64_t value)
{
    if (p->json)
        pf_json_write_int(&p->w, key, value);
    else
        fprintf(p->out, "%-14s%lld\n", label, (long long)value);
}

enum { TIME_ROOM = 32 };

/* Seconds since 1970 as UTC; false for 0, which is no time. */
static bool write_time(char out[TIME_ROOM], int64_t at)
{
    time_t t = (time_t)at;
    struct tm tm;
    return at > 0 && gmtime_r(&t, &tm) &&
           strftime(out, TIME_ROOM, "%Y-%m-%dT%H:%M:%SZ", &tm) > 0;
}

static void say_time(printer *p, const char *key, const char *label, int64_t at)
{
    char text[TIME_ROOM];
    say_string(p, key, label, write_time(text, at) ? text : NULL);
}

/* What a monitor asks: when a run was last done, and how many seconds ago. A clock that
 * was set back makes that less than nothing, which is no age. */
static bool say_good_run(printer *p, pf_store *store, pf_err *err)
{
    pf_store_run good;
    if (!pf_store_find_good_run(store, &good, err))
        return false;
    const int64_t age = (int64_t)time(NULL) - good.finished_at;
    say_time(p, "last_good_run", "  last done", good.finished_at);
    if (p->json && good.id)
        pf_json_write_int(&p->w, "last_good_run_age", age > 0 ? age : 0);
    else if (p->json)
        pf_json_write_string(&p->w, "last_good_run_age", NULL);
    return true;
}

static bool say_exclusion(void *context, const char *pattern, pf_err *err)
{
    printer *p = context;
    (void)err;
    say_string(p, NULL, "  excluded", pattern);
    return true;
}

static void say_reading(printer *p, const pf_store_reading *how)
{
    if (p->json) {
        pf_json_write_bool(&p->w, "follows_links", how->follows_links);
        pf_json_write_bool(&p->w, "as_owner", how->reads_as_owner);
        pf_json_write_bool(&p->w, "refuses_burned_in", how->refuses_burned_in);
        pf_json_write_string(&p->w, "frames", how->frames);
        return;
    }
    if (how->follows_links)
        say_string(p, NULL, "  links", "followed anywhere");
    if (how->reads_as_owner)
        say_string(p, NULL, "  read", "as owner");
    if (how->refuses_burned_in)
        say_string(p, NULL, "  burned in", "refused");
    if (strcmp(how->frames, "middle") != 0)
        say_string(p, NULL, "  frames", how->frames);
}

static bool say_source(void *context, const pf_store_source *source, pf_err *err)
{
    printer *p = context;
    if (p->json)
        pf_json_begin_object(&p->w, NULL);
    say_path(p, "path", "source", shown(p, source->path));
    if (p->json)
        pf_json_begin_array(&p->w, "captions");
    for (size_t i = 0; i < source->n_tables; i++)
        say_path(p, NULL, "  captions", shown(p, source->tables[i]));
    if (p->json)
        pf_json_end_array(&p->w);
    if (p->json || source->columns)
        say_string(p, "columns", "  columns", source->columns);
    say_reading(p, &source->reading);
    if (p->json)
        pf_json_begin_array(&p->w, "excluded");
    const bool ok =
        pf_store_each_exclusion(p->store, source->id, say_exclusion, p, err);
    if (p->json) {
        pf_json_end_array(&p->w);
        pf_json_end_object(&p->w);
    }
    return ok;
}

static void failure_json(printer *p, const pf_store_failure *failure,
                         const char *reason)
{
    pf_json_begin_object(&p->w, NULL);
    pf_json_write_path(&p->w, "path", shown(p, failure->path));
    pf_json_write_string(&p->w, "reason", reason);
    say_time(p, "since", NULL, failure->first_at);
    say_time(p, "last_try", NULL, failure->last_at);
    pf_json_write_int(&p->w, "tries", failure->tries);
    pf_json_write_bool(&p->w, "is_tried_again", !failure->is_lasting);
    pf_json_end_object(&p->w);
}

static void failure_text(printer *p, const pf_store_failure *failure,
                         const char *reason)
{
    char since[TIME_ROOM];
    fputs("failed        ", p->out);
    pf_term_puts(p->out, shown(p, failure->path));
    fputs(": ", p->out);
    pf_term_puts(p->out, reason);
    if (write_time(since, failure->first_at))
        fprintf(p->out, " (since %s, tries: %lld)", since, (long long)failure->tries);
    fputc('\n', p->out);
}

static bool say_failure(void *context, const pf_store_failure *failure, pf_err *err)
{
    printer *p = context;
    char *hidden = p->hider ? pf_hide_text(p->hider, failure->reason, err) : NULL;
    if (p->hider && !hidden)
        return false;
    (p->json ? failure_json : failure_text)(p, failure,
                                            hidden ? hidden : failure->reason);
    pf_free(hidden);
    return true;
}

static bool say_reason(void *context, const char *reason, int64_t n, pf_err *err)
{
    printer *p = context;
    char *hidden = p->hider ? pf_hide_text(p->hider, reason, err) : NULL;
    if (p->hider && !hidden)
        return false;
    const char *text = hidden ? hidden : reason;
    if (p->json) {
        pf_json_begin_object(&p->w, NULL);
        pf_json_write_string(&p->w, "reason", text);
        pf_json_write_int(&p->w, "failures", n);
        pf_json_end_object(&p->w);
    } else {
        fprintf(p->out, "  %-12lld", (long long)n);
        pf_term_puts(p->out, text);
        fputc('\n', p->out);
    }
    pf_free(hidden);
    return true;
}

/* ---- the last runs ---- */

enum { RUNS_SHOWN = 5, VALUES_SHOWN = 5 };

static bool say_run(void *context, const pf_store_run *run, pf_err *err)
{
    printer *p = context;
    const struct {
        const char *key;
        int64_t value;
    } counts[] = {{"added", run->added},         {"updated", run->updated},
                  {"moved", run->moved},         {"removed", run->removed},
                  {"unchanged", run->unchanged}, {"failed", run->failed}};
    char at[TIME_ROOM] = "";
    (void)err;
    if (p->json) {
        pf_json_begin_object(&p->w, NULL);
        say_time(p, "started", NULL, run->started_at);
        say_time(p, "finished", NULL, run->finished_at);
        pf_json_write_string(&p->w, "state", run->state);
    } else {
        write_time(at, run->started_at);
        fprintf(p->out, "run           %s %s:", at, run->state);
    }
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        if (p->json)
            pf_json_write_int(&p->w, counts[i].key, counts[i].value);
        else
            fprintf(p->out, "%s %lld %s", i > 0 ? "," : "", (long long)counts[i].value,
                    counts[i].key);
    }
    if (p->json)
        pf_json_end_object(&p->w);
    else
        fputc('\n', p->out);
    return true;
}

/* ---- attributes ---- */

/* The key whose values are being told, the most frequent first. */
typedef struct {
    printer *p;
    char *key; /* owned */
    size_t n_values;
} key_printer;

static void end_key(key_printer *k)
{
    printer *p = k->p;
    if (k->key && p->json) {
        pf_json_end_array(&p->w);
        pf_json_write_int(&p->w, "values", (int64_t)k->n_values);
        pf_json_end_object(&p->w);
    } else if (k->key) {
        if (k->n_values > VALUES_SHOWN)
            fprintf(p->out, ", and %zu other values", k->n_values - VALUES_SHOWN);
        fputc('\n', p->out);
    }
    pf_free(k->key);
    k->key = NULL;
    k->n_values = 0;
}

static bool begin_key(key_printer *k, const char *key, pf_err *err)
{
    printer *p = k->p;
    end_key(k);
    if (!(k->key = pf_strdup(key, err)))
        return false;
    if (p->json) {
        pf_json_begin_object(&p->w, NULL);
        pf_json_write_string(&p->w, "key", key);
        pf_json_begin_array(&p->w, "most_frequent");
    } else {
        fputs("attribute     ", p->out);
        pf_term_puts(p->out, key);
        fputc(':', p->out);
    }
    return true;
}

static bool say_value(void *context, const char *key, const char *value, int64_t n,
                      pf_err *err)
{
    key_printer *k = context;
    printer *p = k->p;
    if ((!k->key || strcmp(k->key, key) != 0) && !begin_key(k, key, err))
        return false;
    if (++k->n_values > VALUES_SHOWN)
        return true;
    if (p->json) {
        pf_json_begin_object(&p->w, NULL);
        pf_json_write_string(&p->w, "value", value);
        pf_json_write_int(&p->w, "images", n);
        pf_json_end_object(&p->w);
        return true;
    }
    fputs(k->n_values > 1 ? ", " : " ", p->out);
    pf_term_puts(p->out, value);
    fprintf(p->out, " %lld", (long long)n);
    return true;
}

static bool say_attributes(printer *p, pf_store *store, pf_err *err)
{
    key_printer k = {.p = p};
    const bool ok = pf_store_each_value_count(store, NULL, say_value, &k, err);
    end_key(&k);
    return ok;
}

static bool say_stale(void *context, const pf_store_stale_row *row, pf_err *err)
{
    printer *p = context;
    char table[PF_HIDDEN_ROOM];
    const char *const where = p->hider ? table : row->table;
    (void)err;
    if (p->hider)
        pf_hide_path(p->hider, row->table, table);
    if (p->json)
        stale_json(&p->w, where, (size_t)row->line, shown(p, row->name),
                   row->is_ambiguous);
    else if (p->lists_all || p->n_listed < LISTED)
        stale_text(p->out, where, (size_t)row->line, shown(p, row->name),
                   row->is_ambiguous);
    p->n_listed++;
    return true;
}

static bool say_rowless(void *context, const char *path, pf_err *err)
{
    printer *p = context;
    (void)err;
    if (p->json)
        pf_json_write_string(&p->w, NULL, shown(p, path));
    else if (p->lists_all || p->n_listed < LISTED)
        rowless_text(p->out, shown(p, path));
    p->n_listed++;
    return true;
}

static void begin_list(printer *p, const char *key)
{
    p->n_listed = 0;
    if (p->json)
        pf_json_begin_array(&p->w, key);
}

static void end_list(printer *p, const char *what)
{
    if (p->json)
        pf_json_end_array(&p->w);
    else if (!p->lists_all)
        more_text(p->out, what, p->n_listed);
}

static bool say_unfit(printer *p, pf_store *store, pf_err *err)
{
    begin_list(p, "stale_rows");
    if (!pf_store_each_stale_row(store, say_stale, p, err))
        return false;
    end_list(p, "no picture");
    begin_list(p, "rowless_pictures");
    if (!pf_store_each_rowless(store, say_rowless, p, err))
        return false;
    end_list(p, "no row");
    return true;
}

static void say_model_row(printer *p, const pf_store_model *model)
{
    char precision[PF_PRECISION_TEXT];
    pf_precision_choice choice;
    if (model->id == 0) {
        if (p->json)
            pf_json_write_string(&p->w, "model", NULL);
        return;
    }
    if (p->json)
        pf_json_begin_object(&p->w, "model");
    say_path(p, "path", "model", model->path);
    say_string(p, "description", "  variant", model->description);
    say_string(p, "preprocess", "  preprocess", model->preprocess);
    pf_precision_read(&choice, model->stamp);
    pf_precision_describe(&choice, precision);
    say_string(p, "precision", "  precision", precision);
    say_string(p, "fingerprint", "  fingerprint", model->fingerprint);
    say_int(p, "dim", "  dimensions", model->dim);
    if (p->json)
        pf_json_end_object(&p->w);
}

static void say_index_text(printer *p, const char *label, const char *kind,
                           const pf_store_index_file *file)
{
    fprintf(p->out, "%-14s%s, %s", label, kind, file->n_lists > 0 ? "" : "exact");
    if (file->n_lists > 0)
        fprintf(p->out, "%lld lists looked into, recall@10 %.4f",
                (long long)file->n_probe, file->recall);
    else if (file->trained > 0)
        fputs(": lists would be of no use", p->out);
    fputc('\n', p->out);
}

static void say_index_json(printer *p, pf_index_kind of, const char *kind,
                           const pf_store_index_file *file)
{
    enum { DIGITS = 4 };
    pf_json_begin_object(&p->w, NULL);
    pf_json_write_string(&p->w, "of", pf_index_kind_name(of));
    pf_json_write_string(&p->w, "kind", kind);
    pf_json_write_int(&p->w, "vectors", file->count);
    pf_json_write_int(&p->w, "lists", file->n_lists);
    pf_json_write_int(&p->w, "lists_searched", file->n_probe);
    pf_json_write_real(&p->w, "recall_at_10", file->recall, DIGITS);
    pf_json_end_object(&p->w);
}

/* What the index files are; nothing before the first publish. */
static bool say_indexes(printer *p, pf_store *store, pf_err *err)
{
    static const char *const labels[PF_INDEX_KINDS] = {"image index", "caption index"};
    if (p->json)
        pf_json_begin_array(&p->w, "indexes");
    for (int of = 0; of < PF_INDEX_KINDS; of++) {
        pf_store_index_file file;
        char kind[PF_INDEX_TEXT];
        if (!pf_store_find_index_file(store, of, &file, err))
            return false;
        if (file.generation == 0)
            continue;
        pf_index_describe(&file, kind);
        if (p->json)
            say_index_json(p, of, kind, &file);
        else
            say_index_text(p, labels[of], kind, &file);
    }
    if (p->json)
        pf_json_end_array(&p->w);
    return true;
}

static bool say_lists(printer *p, pf_store *store, pf_err *err)
{
    if (p->json)
        pf_json_begin_array(&p->w, "sources");
    if (!pf_store_each_source(store, say_source, p, err))
        return false;
    if (p->json) {
        pf_json_end_array(&p->w);
        pf_json_begin_array(&p->w, "attributes");
    }
    if (!say_attributes(p, store, err))
        return false;
    if (p->json) {
        pf_json_end_array(&p->w);
        pf_json_begin_array(&p->w, "runs");
    }
    if (!pf_store_each_run(store, RUNS_SHOWN, say_run, p, err))
        return false;
    if (p->json) {
        pf_json_end_array(&p->w);
        pf_json_begin_array(&p->w, "reasons");
    }
    if (!pf_store_each_reason(store, say_reason, p, err))
        return false;
    if (p->json) {
        pf_json_end_array(&p->w);
        pf_json_begin_array(&p->w, "failures");
    }
    if (!pf_store_each_failure(store, 0, say_failure, p, err))
        return false;
    if (p->json)
        pf_json_end_array(&p->w);
    return say_unfit(p, store, err);
}

bool pf_report_catalog(pf_catalog *catalog, const pf_report_options *options, FILE *out,
                       pf_err *err)
{
    pf_store *store = pf_catalog_store(catalog);
    const bool json = options->json;
    printer p = {.json = json,
                 .lists_all = options->lists_all,
                 .out = out,
                 .store = store,
                 .hider = options->hider};
    pf_store_counts n;
    pf_store_run last;
    pf_store_model model = {0};
    if (!pf_store_count(store, &n, err) || !pf_store_find_last_run(store, &last, err) ||
        !pf_store_find_model(store, &model, err))
        return false;
    pf_json_writer_init(&p.w, out);
    if (json)
        pf_json_begin_object(&p.w, NULL);
    say_path(&p, "catalog", "catalog", pf_catalog_folder(catalog));
    say_int(&p, "generation", "generation", pf_catalog_generation(catalog));
    say_int(&p, "images", "images", n.images);
    say_int(&p, "captions", "captions", n.captions);
    say_int(&p, "cases", "cases", n.cases);
    say_int(&p, "captions_cut", "cut captions", n.cut_captions);
    say_int(&p, "images_without_caption", "no caption", n.bare_images);
    say_int(&p, "failed", "failed", n.failures);
    say_time(&p, "created", "created", n.created_at);
    say_time(&p, "last_run", "last run", last.started_at);
    say_string(&p, "last_run_state", "  ended", last.id ? last.state : NULL);
    bool ok = say_good_run(&p, store, err);
    say_model_row(&p, &model);
    pf_store_model_reset(&model);
    ok = ok && say_indexes(&p, store, err) && say_lists(&p, store, err);
    if (json)
        pf_json_end_object(&p.w);
    return ok;
}

/* ---- a model ---- */

static void say_notes(printer *p, const char *key, const char *label,
                      const pf_notes *notes)
{
    if (p->json)
        pf_json_begin_array(&p->w, key);
    for (size_t i = 0; i < notes->count; i++) {
        if (p->json)
            pf_json_write_string(&p->w, NULL, notes->line[i]);
        else
            say_string(p, NULL, label, notes->line[i]);
    }
    if (p->json)
        pf_json_end_array(&p->w);
}

void pf_report_model(const pf_model *model, const pf_notes *notes, bool json, FILE *out)
{
    char variant[128], text[128], precision[PF_PRECISION_TEXT], hex[PF_HASH_HEX_SIZE];
    const pf_dims *d = pf_clip_dims(pf_model_clip(model));
    const pf_preprocess *pre = pf_model_preprocess(model);
    const pf_tokenizer *tokenizer = pf_model_tokenizer(model);
    pf_hash fingerprint = pf_model_fingerprint(model);
    pf_dims_describe(d, variant, sizeof variant);
    pf_dims_describe_text(d, text, sizeof text);
    pf_hash_hex(&fingerprint, hex);
    printer p = {.json = json, .out = out};
    pf_json_writer_init(&p.w, out);
    if (json)
        pf_json_begin_object(&p.w, NULL);
    say_path(&p, "checkpoint", "checkpoint", pf_model_checkpoint(model));
    say_string(&p, "container", "container", pf_model_container(model));
    say_string(&p, "family", "family", d->family->name);
    say_string(&p, "variant", "variant", variant);
    say_string(&p, "text_tower", "text tower", text);
    say_int(&p, "parameters", "parameters", (int64_t)pf_dims_parameters(d));
    say_int(&p, "dim", "dimensions", d->embed);
    say_int(&p, "image_size", "image size", pre->size);
    say_string(&p, "preprocess", "preprocess", pre->name);
    say_int(&p, "context", "context", d->context);
    say_int(&p, "vocabulary", "vocabulary", d->vocab);
    pf_precision_describe(pf_model_precision(model), precision);
    say_string(&p, "precision", "precision", precision);
    say_path(&p, "tokenizer", "tokenizer",
             tokenizer ? pf_tokenizer_path(tokenizer) : NULL);
    say_string(&p, "fingerprint", "fingerprint", tokenizer ? hex : NULL);
    if (json || d->family->licence)
        say_string(&p, "licence", "licence", d->family->licence);
    say_notes(&p, "oddities", "oddity", notes);
    if (json)
        pf_json_end_object(&p.w);
}

/* ---- sources that were rearranged ---- */

static void rearranged_json(const pf_rearranged *done, const char *source,
                            const char *to, FILE *out)
{
    pf_json_writer w;
    pf_json_writer_init(&w, out);
    pf_json_begin_object(&w, NULL);
    pf_json_write_string(&w, to ? "relocated" : "forgotten", source);
    if (to)
        pf_json_write_string(&w, "to", to);
    pf_json_write_int(&w, "sources", (int64_t)done->sources);
    pf_json_write_int(&w, "images", done->images);
    pf_json_write_int(&w, "captions", done->captions);
    pf_json_write_int(&w, "cases", done->cases);
    pf_json_end_object(&w);
}

void pf_report_rearranged(const pf_rearranged *done, const char *source, const char *to,
                          bool is_dry_run, bool json, FILE *out)
{
    if (json) {
        rearranged_json(done, source, to, out);
        return;
    }
    fputs(is_dry_run ? "would be " : "", out);
    fprintf(out, "%s: %lld images, %lld captions, %lld cases of ",
            to ? "relocated" : "forgotten", (long long)done->images,
            (long long)done->captions, (long long)done->cases);
    if (done->sources > 1)
        fprintf(out, "%zu sources in ", done->sources);
    pf_term_puts(out, source);
    if (to) {
        fputs(" to ", out);
        pf_term_puts(out, to);
    }
    fputc('\n', out);
}

/* ---- a check ---- */

static void say_parts(printer *p, const pf_store_digest *digest)
{
    pf_json_begin_object(&p->w, "parts");
    for (int i = 0; i < PF_DIGEST_PARTS; i++) {
        char hex[PF_HASH_HEX_SIZE];
        pf_hash_hex(&digest->part[i].digest, hex);
        pf_json_write_string(&p->w, digest->part[i].name, hex);
    }
    pf_json_end_object(&p->w);
}

static void say_digest(printer *p, const pf_store_digest *digest)
{
    char hex[PF_HASH_HEX_SIZE];
    pf_hash_hex(&digest->whole, hex);
    pf_json_write_string(&p->w, "digest", hex);
    say_parts(p, digest);
}

void pf_report_check(const char *folder, int64_t generation,
                     const pf_store_digest *digest, const pf_notes *problems, bool json,
                     FILE *out)
{
    printer p = {.json = json, .out = out};
    bool ok = problems->count + problems->dropped == 0;
    pf_json_writer_init(&p.w, out);
    if (json) {
        pf_json_begin_object(&p.w, NULL);
        pf_json_write_path(&p.w, "catalog", folder);
        pf_json_write_bool(&p.w, "ok", ok);
        pf_json_write_int(&p.w, "generation", generation);
        if (digest->is_there)
            say_digest(&p, digest);
    } else if (ok) {
        fputs(generation > 0
                  ? "the catalog is in order\n"
                  : "the catalog is in order, and empty: no run has finished yet\n",
              out);
    }
    say_notes(&p, "problems", "broken", problems);
    if (!json && problems->dropped > 0)
        fprintf(out, "broken        and %zu more\n", problems->dropped);
    if (json)
        pf_json_end_object(&p.w);
}

void pf_report_lost(const char *folder, const pf_notes *lost, bool json, FILE *out)
{
    printer p = {.json = json, .out = out};
    pf_json_writer_init(&p.w, out);
    if (json) {
        pf_json_begin_object(&p.w, NULL);
        pf_json_write_string(&p.w, "catalog", folder);
        pf_json_write_bool(&p.w, "ok", false);
    }
    say_notes(&p, "lost", "lost", lost);
    if (json)
        pf_json_end_object(&p.w);
    else
        fputs("this cannot be made again: put a backup in the place of the catalog, or "
              "index it anew; nothing was changed\n",
              out);
}

void pf_report_backup(const char *path, int64_t generation,
                      const pf_store_digest *digest, bool json, FILE *out)
{
    printer p = {.json = json, .out = out};
    pf_json_writer_init(&p.w, out);
    if (!json) {
        fprintf(out, "generation %lld is in '", (long long)generation);
        pf_term_puts(out, path);
        fputs("', checked\n", out);
        return;
    }
    pf_json_begin_object(&p.w, NULL);
    pf_json_write_string(&p.w, "backup", path);
    pf_json_write_int(&p.w, "generation", generation);
    say_digest(&p, digest);
    pf_json_end_object(&p.w);
}
