/*
 * progress.c - see progress.h.
 *
 * The rate is that of the last 15 seconds or so: the mean since the start would promise
 * too much after a stretch of unchanged files, too little after loading a model. A line
 * is erased by blanks, not by escape sequences, so nothing depends on the terminal.
 */
#include "cli/progress.h"

#include <stdarg.h>
#include <string.h>
#include <time.h>

#include "cli/term.h"

static const double REDRAW_SECONDS = 0.1, LOG_SECONDS = 30, SAMPLE_SECONDS = 1;
enum { BAR_MIN = 10, BAR_MAX = 30, LINE_SIZE = 256 };

static double system_clock(void *unused)
{
    (void)unused;
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double now(const pf_progress *p)
{
    return p->options.clock(p->options.clock_context);
}

void pf_progress_init(pf_progress *p, const pf_progress_options *options)
{
    *p = (pf_progress){.options = *options};
    if (!p->options.clock)
        p->options.clock = system_clock;
}

static void add_sample(pf_progress *p, double at)
{
    size_t n = p->n_samples;
    if (n > 0 && at - p->samples[n - 1].at < SAMPLE_SECONDS)
        return;
    if (n == PF_PROGRESS_SAMPLES) {
        memmove(p->samples, p->samples + 1, (--n) * sizeof p->samples[0]);
    }
    p->samples[n].at = at;
    p->samples[n].done = p->done;
    p->n_samples = n + 1;
}

/* Per second, of late; 0 when it cannot be told. */
static double rate_at(const pf_progress *p, double at)
{
    double seconds = at - p->samples[0].at;
    if (p->done < p->samples[0].done || seconds < SAMPLE_SECONDS)
        return 0;
    return (double)(p->done - p->samples[0].done) / seconds;
}

static double mean_rate_at(const pf_progress *p, double at)
{
    return at > p->start ? (double)p->done / (at - p->start) : 0;
}

/* A line is put together here; what does not fit is cut. */
typedef struct {
    char text[LINE_SIZE];
    size_t n;
} line;

static void add(line *l, const char *fmt, ...) PF_PRINTF(2, 3);

static void add(line *l, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(l->text + l->n, sizeof l->text - l->n, fmt, ap);
    va_end(ap);
    if (n > 0)
        l->n += (size_t)n;
    if (l->n >= sizeof l->text)
        l->n = sizeof l->text - 1;
}

static void add_time(line *l, double seconds)
{
    if (seconds > 359999) /* 99:59:59 */
        seconds = 359999;
    long s = (long)(seconds + 0.5);
    if (s >= 3600)
        add(l, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
    else
        add(l, "%ld:%02ld", s / 60, s % 60);
}

/* Whole percent, rounded down: 100 means all. */
static unsigned percent(const pf_progress *p)
{
    if (p->total == 0 || p->done >= p->total)
        return p->total ? 100 : 0;
    return (unsigned)(100.0 * (double)p->done / (double)p->total);
}

static void add_left(line *l, const pf_progress *p, double rate, const char *before)
{
    if (rate <= 0 || p->done >= p->total)
        return;
    add(l, "%s", before);
    add_time(l, (double)(p->total - p->done) / rate);
    add(l, " left");
}

static void put_counts(line *l, const pf_progress *p, double rate)
{
    if (p->total > 0)
        add(l, "%zu/%zu", p->done, p->total);
    else
        add(l, "%zu", p->done);
    if (rate > 0)
        add(l, "  %.1f/s", rate);
    add_left(l, p, rate, "  ");
    if (p->failed > 0)
        add(l, "  %zu failed", p->failed);
}

/* The bar takes what the counts leave; too narrow for one, there is none. */
static void compose(line *l, const pf_progress *p, double rate)
{
    line counts = {.n = 0};
    put_counts(&counts, p, rate);
    l->n = 0;
    add(l, "%.40s  ", p->what);
    if (p->total > 0) {
        add(l, "%u %% ", percent(p));
        size_t width = p->options.columns > 0 ? (size_t)p->options.columns : 0;
        size_t used = l->n + counts.n + 4; /* brackets, a blank, the last column */
        size_t bar = width > used ? width - used : 0;
        if (bar > BAR_MAX)
            bar = BAR_MAX;
        if (bar >= BAR_MIN) {
            size_t full = bar * percent(p) / 100;
            add(l, "[");
            for (size_t i = 0; i < bar; i++)
                add(l, "%c", i < full ? '#' : '.');
            add(l, "] ");
        }
    }
    add(l, "%s", counts.text);
}

static void draw(pf_progress *p, double rate)
{
    line l = {.n = 0};
    compose(&l, p, rate);
    /* The last column stays free: terminals differ in what happens behind it. */
    size_t most = p->options.columns > 1 ? (size_t)p->options.columns - 1 : 1;
    if (l.n > most)
        l.n = most;
    size_t blanks = p->line_columns > l.n ? p->line_columns - l.n : 0;
    fprintf(p->options.file, "\r%.*s%*s", (int)l.n, l.text, (int)blanks, "");
    fflush(p->options.file);
    p->line_columns = l.n;
    p->line_is_open = true;
}

static void log_line(pf_progress *p, double rate)
{
    line l = {.n = 0};
    add(&l, "%.40s: %zu", p->what, p->done);
    if (p->total > 0)
        add(&l, " of %zu (%u %%)", p->total, percent(p));
    if (rate > 0)
        add(&l, ", %.1f per second", rate);
    add_left(&l, p, rate, ", ");
    if (p->failed > 0)
        add(&l, ", %zu failed", p->failed);
    fprintf(p->options.file, "%s\n", l.text);
    fflush(p->options.file);
}

static void output(pf_progress *p, double at, double rate)
{
    if (p->options.can_redraw)
        draw(p, rate);
    else
        log_line(p, rate);
    p->has_output = true;
    p->last_output = at;
}

void pf_progress_start(pf_progress *p, const char *what, size_t total)
{
    pf_progress_finish(p);
    double at = now(p);
    p->what = what;
    p->done = p->failed = 0;
    p->total = total;
    p->start = p->last_output = at;
    p->has_output = false;
    p->n_samples = 0;
    p->is_running = true;
    add_sample(p, at);
}

void pf_progress_set_total(pf_progress *p, size_t total)
{
    p->total = total;
}

void pf_progress_update(pf_progress *p, size_t done, size_t failed)
{
    if (!p->is_running)
        return;
    p->done = done;
    p->failed = failed;
    if (p->options.is_quiet)
        return;
    double at = now(p), since = at - p->last_output;
    add_sample(p, at);
    bool is_due = p->options.can_redraw ? !p->has_output || since >= REDRAW_SECONDS
                                        : since >= LOG_SECONDS;
    if (is_due)
        output(p, at, rate_at(p, at));
}

void pf_progress_finish(pf_progress *p)
{
    if (p->is_running && p->has_output) {
        double at = now(p);
        output(p, at, mean_rate_at(p, at));
    }
    if (p->line_is_open)
        fputc('\n', p->options.file);
    p->line_is_open = false;
    p->line_columns = 0;
    p->is_running = false;
}

void pf_progress_say(pf_progress *p, const char *fmt, ...)
{
    char text[4096];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (p->line_is_open) {
        fprintf(p->options.file, "\r%*s\r", (int)p->line_columns, "");
        p->line_columns = 0;
    }
    pf_term_puts(p->options.file, text);
    fputc('\n', p->options.file);
    if (p->line_is_open)
        draw(p, rate_at(p, now(p)));
    fflush(p->options.file);
}
