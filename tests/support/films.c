/* films.c - see films.h. */
#include "tests/support/films.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/catalog/sql.h"
#include "tests/support/seeded.h"
#include "tests/support/tree.h"

static char folder[PF_TREE_ROOM];

const char *pf_films_make(void)
{
    pf_tree_make(folder);
    return folder;
}

void pf_films_remove(void)
{
    if (folder[0])
        pf_tree_remove(folder);
    folder[0] = '\0';
}

const char *pf_films_path(const char *fmt, ...)
{
    static char paths[8][1024];
    static int next;
    char *path = paths[next++ % 8];
    int n = snprintf(path, sizeof paths[0], "%s/", folder);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(path + n, sizeof paths[0] - (size_t)n, fmt, ap);
    va_end(ap);
    return path;
}

void pf_films_write(const char *name, const void *bytes, size_t n)
{
    const char *path = pf_films_path("%s", name);
    const char *base = pf_path_base(path);
    char *parent = pf_strndup(path, (size_t)(base - path - 1), NULL);
    pf_tree_must(parent && pf_make_folders(parent, 0700, NULL), path);
    pf_free(parent);
    pf_tree_write(path, bytes, n);
}

void pf_films_write_text(const char *name, const char *text)
{
    pf_films_write(name, text, strlen(text));
}

void pf_films_picture(const char *name, unsigned number)
{
    enum { SIDE = 24 };
    uint8_t bytes[32 + SIDE * SIDE];
    int n = snprintf((char *)bytes, 32, "P5\n%d %d\n255\n", SIDE, SIDE);
    uint32_t state = number * 2654435761u + 12345;
    for (int i = 0; i < SIDE * SIDE; i++) {
        state = state * 1664525u + 1013904223u;
        bytes[n++] = (uint8_t)(state >> 24);
    }
    pf_films_write(name, bytes, (size_t)n);
}

void pf_films_rename(const char *from, const char *to)
{
    pf_tree_must(rename(pf_films_path("%s", from), pf_films_path("%s", to)) == 0, from);
}

void pf_films_delete(const char *name)
{
    pf_tree_must(remove(pf_films_path("%s", name)) == 0, name);
}

static unsigned new_owner;

static int give_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st, (void)kind, (void)at;
    return lchown(path, new_owner, (gid_t)-1);
}

void pf_films_give_to(unsigned user)
{
    new_owner = user;
    pf_tree_must(nftw(folder, give_one, 16, FTW_PHYS) == 0,
                 "cannot give the folder away");
}

static void write_model(const char *name)
{
    pf_err err = PF_ERR_INIT;
    if (!pf_seeded_model_write(pf_films_path("%s", name), &err)) {
        fprintf(stderr, "films: %s\n", err.msg);
        exit(1);
    }
}

void pf_films_model(void)
{
    write_model("model");
}

void pf_films_other_model(void)
{
    write_model("other");
    FILE *f = fopen(pf_films_path("other/model.safetensors"), "r+b");
    pf_tree_must(f && fseek(f, -2, SEEK_END) == 0 && fputc(0x11, f) != EOF &&
                     fclose(f) == 0,
                 "other model");
}

void pf_films_options(pf_run_options *o)
{
    static char catalog[300], model[300];
    snprintf(catalog, sizeof catalog, "%s/catalog", folder);
    snprintf(model, sizeof model, "%s/model", folder);
    *o = (pf_run_options){.catalog = catalog, .model = model, .jobs = 1, .batch = 2};
}

int64_t pf_films_ask(const char *sql)
{
    pf_sql *db = NULL;
    int64_t out = -1;
    pf_err err = PF_ERR_INIT;
    if (!pf_sql_open(&db, pf_films_path("catalog/catalog.db"), PF_SQL_READ, &err) ||
        !pf_sql_find_int(db, sql, PF_SQL_NO_ARGS, &out, &err)) {
        fprintf(stderr, "films: %s: %s\n", sql, err.msg);
        out = -1;
    }
    pf_sql_close(db);
    return out;
}

const char *pf_films_check(void)
{
    static char problem[600];
    pf_err err = PF_ERR_INIT;
    pf_notes problems = {0};
    pf_catalog *catalog = NULL;
    problem[0] = '\0';
    if (!pf_catalog_open_reader(&catalog, pf_films_path("catalog"), &err) ||
        !pf_catalog_check(catalog, NULL, &problems, &err))
        snprintf(problem, sizeof problem, "%s", err.msg);
    else if (problems.count > 0)
        snprintf(problem, sizeof problem, "%s", problems.line[0]);
    pf_notes_reset(&problems);
    pf_catalog_close(catalog);
    return problem[0] ? problem : NULL;
}
