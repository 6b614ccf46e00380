/*
 * driver.c - runs a fuzz target without libFuzzer: replays files, and mutates them.
 *
 *     fuzz_NAME [--mutate N] [--seed S] [--case I] [--max-rss MIB] PATH...
 *
 * PATH is a file or a folder of files. Every file is run as it is, then N inputs made
 * from them; input i depends on the seed, the files and i alone. The inputs run in a
 * child process, each in a heap block of exactly its size. When the child dies or hangs
 * (20 s), the input is written to crash-NAME-SEED-I.bin and named; --case I runs that
 * one alone. Prints one line: inputs, seconds, peak memory. Fails when the peak passes
 * --max-rss.
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_INPUT = 1 << 20, MAX_FILES = 4096, HANG_SECONDS = 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

typedef struct {
    uint8_t *p;
    size_t n;
    char *name;
} input;

static input files[MAX_FILES];
static size_t n_files;

static void die(const char *what, const char *name)
{
    fprintf(stderr, "driver: %s '%s': %s\n", what, name, strerror(errno));
    exit(2);
}

/* ---- the seeds ---- */

static void add_file(const char *path)
{
    if (n_files == MAX_FILES)
        return;
    FILE *f = fopen(path, "rb");
    input *in = &files[n_files++];
    in->name = strdup(path);
    in->p = malloc(MAX_INPUT);
    if (!f || !in->name || !in->p)
        die("cannot read", path);
    in->n = fread(in->p, 1, MAX_INPUT, f);
    fclose(f);
}

static int is_visible(const struct dirent *e)
{
    return e->d_name[0] != '.';
}

static void add_path(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0)
        die("cannot find", path);
    if (!S_ISDIR(st.st_mode)) {
        add_file(path);
        return;
    }
    struct dirent **names;
    int n = scandir(path, &names, is_visible, alphasort);
    if (n < 0)
        die("cannot list", path);
    for (int i = 0; i < n; i++) {
        char inner[4096];
        snprintf(inner, sizeof inner, "%s/%s", path, names[i]->d_name);
        add_path(inner);
        free(names[i]);
    }
    free(names);
}

/* ---- mutations ---- */

/* splitmix64 (Steele, Lea, Flood 2014) */
static uint64_t next(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

static size_t below(uint64_t *state, size_t n)
{
    return n ? (size_t)(next(state) % n) : 0;
}

/* Change a little-endian integer of 1, 2, 4 or 8 bytes to one that parsers dislike. */
static void edit_integer(input *in, uint64_t *rng)
{
    size_t width = (size_t)1 << below(rng, 4);
    if (in->n < width)
        return;
    uint8_t *at = in->p + below(rng, in->n - width + 1);
    uint64_t v = 0;
    memcpy(&v, at, width);
    switch (below(rng, 8)) {
    case 0:
        v = 0;
        break;
    case 1:
        v = UINT64_MAX;
        break;
    case 2:
        v = (uint64_t)1 << (8 * width - 1);
        break;
    case 3:
        v = ((uint64_t)1 << (8 * width - 1)) - 1;
        break;
    case 4:
        v = in->n;
        break;
    case 5:
        v = v * 2;
        break;
    default:
        v += below(rng, 17) - 8;
    }
    memcpy(at, &v, width);
}

/* Put `n` bytes from `from` at `at`, over what is there or in between. */
static void place(input *in, size_t at, const uint8_t *from, size_t n, int insert)
{
    if (insert && in->n + n <= MAX_INPUT) {
        memmove(in->p + at + n, in->p + at, in->n - at);
        in->n += n;
    } else if (n > in->n - at) {
        n = in->n - at;
    }
    memmove(in->p + at, from, n);
}

static void copy_block(input *in, const input *source, uint64_t *rng)
{
    uint8_t block[512];
    if (source->n == 0)
        return;
    size_t from = below(rng, source->n), most = source->n - from;
    size_t n = 1 + below(rng, most < sizeof block ? most : sizeof block);
    memcpy(block, source->p + from, n);
    place(in, below(rng, in->n + 1), block, n, (int)below(rng, 2));
}

static void cut_block(input *in, uint64_t *rng)
{
    size_t at = below(rng, in->n), most = in->n - at;
    size_t n = below(rng, (most < 64 ? most : 64) + 1);
    memmove(in->p + at, in->p + at + n, in->n - at - n);
    in->n -= n;
}

static void mutate_once(input *in, uint64_t *rng)
{
    if (in->n == 0)
        return;
    switch (below(rng, 9)) {
    case 0:
    case 1:
        in->p[below(rng, in->n)] ^= (uint8_t)(1u << below(rng, 8));
        break;
    case 2:
        in->p[below(rng, in->n)] = (uint8_t)next(rng);
        break;
    case 3:
    case 4:
        edit_integer(in, rng);
        break;
    case 5:
        copy_block(in, in, rng);
        break;
    case 6:
        copy_block(in, &files[below(rng, n_files)], rng);
        break;
    case 7:
        cut_block(in, rng);
        break;
    default:
        if (below(rng, 8) == 0) /* cut inputs mostly fail early */
            in->n = below(rng, in->n + 1);
    }
}

/* Input `i`: the files as they are come first. */
static void make_input(input *in, size_t i, uint64_t seed)
{
    uint64_t rng = seed * 0x9E3779B97F4A7C15u + i;
    const input *from = &files[i < n_files ? i : below(&rng, n_files)];
    memcpy(in->p, from->p, from->n);
    in->n = from->n;
    in->name = from->name;
    if (i < n_files)
        return;
    for (size_t k = 1 + below(&rng, 6); k > 0; k--)
        mutate_once(in, &rng);
}

/* ---- running ---- */

typedef struct {
    const char *target;
    size_t first, last; /* inputs to run */
    uint64_t seed;
    long max_rss_mib; /* 0: any */
} plan;

static void run_one(const input *in)
{
    uint8_t *exact = malloc(in->n ? in->n : 1);
    if (!exact)
        die("no memory for", in->name);
    memcpy(exact, in->p, in->n);
    alarm(HANG_SECONDS);
    LLVMFuzzerTestOneInput(exact, in->n);
    alarm(0);
    free(exact);
}

static void free_files(void)
{
    for (size_t i = 0; i < n_files; i++) {
        free(files[i].p);
        free(files[i].name);
    }
}

static int run_all(const plan *job, volatile size_t *current)
{
    input in = {.p = malloc(MAX_INPUT)};
    if (!in.p)
        die("no memory for", job->target);
    for (size_t i = job->first; i < job->last; i++) {
        *current = i;
        make_input(&in, i, job->seed);
        run_one(&in);
    }
    free(in.p);
    free_files();
    return 0;
}

static void keep_crash(const plan *job, size_t i)
{
    char path[256];
    input in = {.p = malloc(MAX_INPUT)};
    if (!in.p)
        die("no memory for", job->target);
    make_input(&in, i, job->seed);
    snprintf(path, sizeof path, "crash-%s-%llu-%zu.bin", job->target,
             (unsigned long long)job->seed, i);
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(in.p, 1, in.n, f) != in.n || fclose(f) != 0)
        die("cannot write", path);
    fprintf(stderr, "%s: input %zu (from '%s') fails, kept as %s\n", job->target, i,
            in.name, path);
    free(in.p);
}

/* A word that parent and child share. */
static volatile size_t *shared_word(void)
{
    FILE *f = tmpfile();
    if (!f || ftruncate(fileno(f), sizeof(size_t)) != 0)
        die("cannot make", "a temporary file");
    void *p =
        mmap(NULL, sizeof(size_t), PROT_READ | PROT_WRITE, MAP_SHARED, fileno(f), 0);
    fclose(f);
    if (p == MAP_FAILED)
        die("cannot map", "a temporary file");
    return p;
}

static int supervise(const plan *job)
{
    volatile size_t *current = shared_word();
    *current = job->first;
    time_t started = time(NULL);
    fflush(NULL);
    pid_t child = fork();
    if (child < 0)
        die("cannot start", job->target);
    if (child == 0)
        exit(run_all(job, current));
    int status;
    struct rusage use;
    if (waitpid(child, &status, 0) != child || getrusage(RUSAGE_CHILDREN, &use) != 0)
        die("cannot wait for", job->target);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        keep_crash(job, *current);
        return 1;
    }
    long rss = use.ru_maxrss / 1024;
    printf("%s: %zu inputs (%zu files), seed %llu, %ld s, peak %ld MiB\n", job->target,
           job->last - job->first, n_files, (unsigned long long)job->seed,
           (long)(time(NULL) - started), rss);
    if (job->max_rss_mib && rss > job->max_rss_mib) {
        fprintf(stderr, "%s: peak memory %ld MiB, the limit is %ld\n", job->target, rss,
                job->max_rss_mib);
        return 1;
    }
    return 0;
}

static unsigned long long number(const char *text)
{
    char *end;
    errno = 0;
    unsigned long long v = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0') {
        fprintf(stderr, "driver: '%s' is no number\n", text);
        exit(2);
    }
    return v;
}

int main(int argc, char **argv)
{
    const char *slash = strrchr(argv[0], '/');
    plan job = {.target = slash ? slash + 1 : argv[0], .seed = 1};
    size_t mutations = 0, only = SIZE_MAX;
    for (int i = 1; i < argc; i++) {
        int has_value = i + 1 < argc;
        if (has_value && strcmp(argv[i], "--mutate") == 0)
            mutations = (size_t)number(argv[++i]);
        else if (has_value && strcmp(argv[i], "--seed") == 0)
            job.seed = number(argv[++i]);
        else if (has_value && strcmp(argv[i], "--case") == 0)
            only = (size_t)number(argv[++i]);
        else if (has_value && strcmp(argv[i], "--max-rss") == 0)
            job.max_rss_mib = (long)number(argv[++i]);
        else
            add_path(argv[i]);
    }
    if (n_files == 0) {
        fprintf(stderr, "driver: no files to start from\n");
        return 2;
    }
    job.last = n_files + mutations;
    if (only != SIZE_MAX) {
        job.first = only;
        job.last = only + 1;
    }
    int rc = supervise(&job);
    free_files();
    return rc;
}
