/*
 * run_once.c - one request: asked, told, printed. What may take long shows how far it
 * is on a terminal, and Ctrl-C ends it in good order, with the bar's line closed.
 */
#include <string.h>

#include "cli/interrupt.h"
#include "cli/progress.h"
#include "cli/sheet.h"
#include "cli/term.h"
#include "cli/tools.h"
#include "query/open.h"
#include "query/print.h"
#include "query/query.h"
#include "query/say.h"

/* ---- progress ---- */

typedef struct {
    pf_progress bar;
    const char *what;      /* of the step the bar shows; NULL before the first */
    label_printer *labels; /* of pictures as they come; NULL: there are none */
} watcher;

static void show(void *context, const char *what, size_t done, size_t total,
                 size_t failed)
{
    watcher *w = context;
    if (!w->what || strcmp(w->what, what) != 0) {
        if (w->what)
            pf_progress_finish(&w->bar);
        pf_progress_start(&w->bar, what, total);
        w->what = what;
    }
    pf_progress_set_total(&w->bar, total);
    pf_progress_update(&w->bar, done, failed);
}

/* A bar below the answers would be written over by them: where both go to one terminal
 * the answers themselves show how far it is. */
static void start_watching(watcher *w, label_printer *labels)
{
    const bool is_one_terminal =
        labels && pf_term_of(stderr).is_terminal && pf_term_of(stdout).is_terminal;
    *w = (watcher){.labels = labels};
    init_bar(&w->bar, command.quiet || is_one_terminal);
}

/* ---- pictures that are classified ---- */

/* A reason that names the file says it well enough. */
static void say_failed(watcher *w, const pf_classified *picture)
{
    const bool is_named =
        strcmp(picture->path, "-") == 0 || strstr(picture->failure, picture->path);
    pf_progress_say(&w->bar, "%s: %s%s%s", query_cli.name,
                    is_named ? "" : picture->path, is_named ? "" : ": ",
                    picture->failure);
}

static bool take_picture(void *context, const pf_classified *picture)
{
    watcher *w = context;
    if (picture->failure)
        say_failed(w, picture);
    else
        label_printer_put(w->labels, picture);
    return true;
}

/* JSON comes as a whole, so its pictures stay in the answer. */
static void say_failures(watcher *w, const pf_answer *answer)
{
    for (size_t i = 0; i < pf_answer_count_pictures(answer); i++) {
        const pf_classified *picture = pf_answer_picture(answer, i);
        if (picture->failure)
            say_failed(w, picture);
    }
}

/* ---- sheets ---- */

static bool get_picture(void *context, int64_t image_id, uint8_t **jpeg, size_t *n,
                        pf_err *err)
{
    return pf_reader_get_thumbnail(context, image_id, jpeg, n, err);
}

static void say_sheet(const pf_sheet *s)
{
    if (command.quiet)
        return;
    fprintf(stderr, "%s: wrote ", query_cli.name);
    pf_term_puts(stderr, command.sheet);
    if (s->n_missing > 0)
        fprintf(stderr, "; %zu picture%s could not be read", s->n_missing,
                s->n_missing == 1 ? "" : "s");
    fputc('\n', stderr);
}

static bool write_sheet(pf_reader *reader, const pf_request *request,
                        const pf_answer *answer, pf_err *err)
{
    char *words = pf_request_describe(request, err);
    pf_sheet s = {.question = words,
                  .all_captions = command.all_captions,
                  .answer = answer,
                  .picture = get_picture,
                  .context = reader,
                  .stop = pf_interrupt_catch()};
    const bool ok = words && pf_sheet_save(&s, command.sheet, err);
    if (ok)
        say_sheet(&s);
    pf_free(words);
    return ok;
}

/* ---- the job ---- */

static bool takes_long(void)
{
    return command.classify || command.phrases || command.duplicates >= 0 ||
           command.evaluate;
}

static bool is_one_picture(const pf_cli_args *args)
{
    return args->n_items == 1 && !pf_cli_is_folder(args->items[0].value);
}

/* Ask, with a bar below. */
static bool ask(opened *o, const pf_cli_args *args, const pf_request *request,
                pf_answer **answer, pf_err *err)
{
    label_printer labels;
    watcher w;
    const bool is_streaming = command.classify && asks_for_pictures_only(args) &&
                              command.format != FORMAT_JSON;
    label_printer_init(&labels, is_one_picture(args), stdout);
    start_watching(&w, is_streaming ? &labels : NULL);
    pf_work work = PF_WORK_INIT;
    work.progress = show;
    work.context = &w;
    if (takes_long())
        work.stop = pf_interrupt_catch();
    if (is_streaming)
        work.classified = take_picture;
    const bool ok = pf_reader_ask(o->reader, request, &work, answer, err);
    if (w.what)
        pf_progress_finish(&w.bar);
    if (ok && is_streaming)
        label_printer_end(&labels);
    if (ok)
        say_failures(&w, *answer);
    return ok;
}

static bool answer_once(opened *o, const pf_cli_args *args, const pf_request *request,
                        pf_exit *status, pf_err *err)
{
    pf_answer *answer = NULL;
    const bool is_asked = ask(o, args, request, &answer, err);
    say_notes();
    if (!is_asked)
        return false;
    if (pf_answer_get_about(answer)->n_failed > 0)
        *status = PF_EXIT_PARTLY;
    say_about(pf_engine_folder(o->engine), answer);
    const bool ok = print_answer(answer, status, err) &&
                    (!command.sheet || write_sheet(o->reader, request, answer, err));
    pf_answer_free(answer);
    return ok;
}

bool run_once(const pf_cli_args *args, pf_exit *status, pf_err *err)
{
    pf_request *request = NULL;
    opened o = {0};
    const bool ok = question_make(&request, args, err) && open_asked(&o, args, err) &&
                    answer_once(&o, args, request, status, err);
    say_notes();
    close_asked(&o);
    pf_request_free(request);
    return ok;
}
