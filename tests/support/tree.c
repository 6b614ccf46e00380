/* tree.c - see tree.h. */
#include "tests/support/tree.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void pf_tree_must(bool is_so, const char *what)
{
    if (is_so)
        return;
    fprintf(stderr, "test: %s: %s\n", what, strerror(errno));
    exit(1);
}

void pf_tree_make(char folder[PF_TREE_ROOM])
{
    char name[] = "/tmp/plainfilm-test-XXXXXX";
    pf_tree_must(mkdtemp(name) != NULL, name);
    char *real = realpath(name, NULL);
    pf_tree_must(real && strlen(real) < PF_TREE_ROOM, name);
    strcpy(folder, real);
    free(real);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st, (void)kind, (void)at;
    return remove(path);
}

void pf_tree_remove(const char *path)
{
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *pf_tree_path(const char *folder, const char *name)
{
    static char paths[8][1024];
    static int next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

void pf_tree_write(const char *path, const void *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");
    pf_tree_must(f && fwrite(bytes, 1, n, f) == n && fclose(f) == 0, path);
}

void pf_tree_write_text(const char *path, const char *text)
{
    pf_tree_write(path, text, strlen(text));
}

size_t pf_tree_read(const char *path, void *bytes, size_t room)
{
    FILE *f = fopen(path, "rb");
    pf_tree_must(f != NULL, path);
    const size_t n = fread(bytes, 1, room, f);
    pf_tree_must(n < room && !ferror(f), path);
    fclose(f);
    return n;
}
