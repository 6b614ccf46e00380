/*
 * serve_load.c - how fast plainfilm-serve answers many clients at once.
 *
 *   pf-serve-load ADDRESS PHRASES [--clients N] [--seconds S] [--pause MS]
 *                 [--questions N] [--new PERCENT] [--pid PID]
 *
 * ADDRESS is the line that plainfilm-serve prints, its token included; PHRASES a file
 * of phrases, a line each. Each client keeps one connection, and looks at an answer for
 * half a second (--pause; 0: not at all) before it asks again: six in ten times with a
 * phrase of the file, by meaning, by words or both, so many percent of these (10) with
 * a number behind it that nobody asked before; else for images like another one, a
 * thumbnail, an image, the catalog. Before it measures it asks each phrase once in each
 * of the three ways.
 *
 * Prints per kind how many, and the median and 99th percentile in milliseconds, from
 * the first byte sent to the last one received; and what failed. That an image has no
 * thumbnail is an answer: a catalog may be without. Exit 1 when anything failed. With
 * --questions it ends after so many, whatever the time. With the server's --pid it also
 * prints what memory it has: before, when a tenth has been asked, and at the end.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

typedef enum { MET, NEW, LIKE, THUMBNAIL, IMAGE, CATALOG, KINDS } kind;

static const char *const kind_names[KINDS] = {"phrase, met", "phrase, new", "like",
                                              "thumbnail",   "image",       "catalog"};

enum {
    CLIENTS_MAX = 1000,
    PHRASES_MAX = 100000,
    REPLY_MAX = 4 << 20,
    IMAGES_KEY = sizeof "\"images\":" - 1,
};

static struct {
    struct sockaddr_in to;
    char host[128], token[260];
    char **phrases;
    size_t n_phrases;
    long clients, percent_new, questions, pid;
    double seconds, pause;
    long images; /* of the catalog */
} set = {.clients = 50, .percent_new = 10, .seconds = 60, .pause = 500};

static atomic_long n_asked, n_failed, last_new;
static atomic_bool is_over;

typedef struct {
    pthread_t thread;
    uint64_t random;
    int fd;
    char *reply;
    float *took[KINDS]; /* [n], milliseconds */
    size_t n[KINDS], room[KINDS];
} client;

static void die(const char *what)
{
    fprintf(stderr, "pf-serve-load: %s\n", what);
    exit(2);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static uint64_t next_random(client *c)
{
    c->random ^= c->random << 13;
    c->random ^= c->random >> 7;
    c->random ^= c->random << 17;
    return c->random;
}

static void rest(double ms)
{
    const struct timespec t = {(time_t)(ms / 1e3), (long)(ms * 1e6) % 1000000000L};
    nanosleep(&t, NULL);
}

/* ---- one request ---- */

static bool connect_to(client *c)
{
    const int yes = 1;
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (c->fd < 0 || connect(c->fd, (const struct sockaddr *)&set.to, sizeof set.to))
        return false;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    return true;
}

static bool send_all(int fd, const char *text, size_t n)
{
    while (n > 0) {
        const ssize_t done = send(fd, text, n, MSG_NOSIGNAL);
        if (done <= 0)
            return false;
        text += done;
        n -= (size_t)done;
    }
    return true;
}

/* The whole of an answer, ended by a NUL; its body, or NULL when its status is neither
 * 200 nor `other`. */
static const char *receive(client *c, int other)
{
    char wanted_status[24];
    size_t n = 0, wanted = 0;
    char *body = NULL;
    while (!body || n < wanted) {
        const ssize_t got =
            n < REPLY_MAX - 1 ? recv(c->fd, c->reply + n, REPLY_MAX - 1 - n, 0) : 0;
        if (got <= 0)
            return NULL;
        n += (size_t)got;
        c->reply[n] = '\0';
        if (!body && (body = strstr(c->reply, "\r\n\r\n"))) {
            const char *length = strstr(c->reply, "Content-Length: ");
            if (!length || length > body)
                return NULL;
            body += 4;
            wanted = (size_t)(body - c->reply) + strtoul(length + 16, NULL, 10);
        }
    }
    snprintf(wanted_status, sizeof wanted_status, "HTTP/1.1 %d ", other);
    return strncmp(c->reply, "HTTP/1.1 200 ", 13) == 0 ||
                   strncmp(c->reply, wanted_status, 13) == 0
               ? body
               : NULL;
}

static const char *ask(client *c, const char *path, int other)
{
    char head[2048];
    const int n = snprintf(head, sizeof head,
                           "GET %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer "
                           "%s\r\n\r\n",
                           path, set.host, set.token);
    if (n <= 0 || (size_t)n >= sizeof head)
        return NULL;
    if (c->fd >= 0 && send_all(c->fd, head, (size_t)n)) {
        const char *body = receive(c, other);
        if (body)
            return body;
    }
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
    return NULL;
}

/* ---- what is asked ---- */

static void put_phrase(char *out, size_t room, const char *phrase)
{
    size_t n = 0;
    for (; *phrase && n + 4 < room; phrase++) {
        const unsigned char b = (unsigned char)*phrase;
        const bool is_plain =
            (b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z') || (b >= '0' && b <= '9');
        n += (size_t)snprintf(out + n, room - n, is_plain ? "%c" : "%%%02X", b);
    }
}

enum { WAYS = 3 };

/* `n` tells one of the three ways. */
static void put_question(char *path, size_t room, const char *phrase, uint64_t n)
{
    static const char *const ways[WAYS] = {"meaning", "words", "both"};
    snprintf(path, room, "/api/search?limit=20&by=%s&q=%s", ways[n % WAYS], phrase);
}

static kind make_path(client *c, char *path, size_t room)
{
    char phrase[1024] = "";
    const uint64_t r = next_random(c);
    const long id = 1 + (long)(next_random(c) % (uint64_t)set.images);
    if (r % 10 < 6) {
        const bool is_new = (long)(r / 10 % 100) < set.percent_new;
        put_phrase(phrase, sizeof phrase - 32,
                   set.phrases[next_random(c) % set.n_phrases]);
        if (is_new)
            snprintf(phrase + strlen(phrase), 32, "%%20%ld",
                     atomic_fetch_add(&last_new, 1));
        put_question(path, room, phrase, r / 1000);
        return is_new ? NEW : MET;
    }
    switch (r % 10) {
    case 6:
        snprintf(path, room, "/api/search?limit=20&like=%ld", id);
        return LIKE;
    case 7:
        snprintf(path, room, "/api/image/%ld", id);
        return IMAGE;
    case 8:
        snprintf(path, room, "/api/catalog");
        return CATALOG;
    default:
        snprintf(path, room, "/api/thumbnail/%ld", id);
        return THUMBNAIL;
    }
}

static void note(client *c, kind k, double ms)
{
    if (c->n[k] == c->room[k]) {
        c->room[k] = c->room[k] ? 2 * c->room[k] : 1024;
        c->took[k] = realloc(c->took[k], c->room[k] * sizeof *c->took[k]);
        if (!c->took[k])
            die("out of memory");
    }
    c->took[k][c->n[k]++] = (float)ms;
}

static void *run(void *context)
{
    client *c = context;
    char path[1400];
    while (!atomic_load(&is_over)) {
        if (set.questions > 0 && atomic_fetch_add(&n_asked, 1) >= set.questions)
            break;
        const kind k = make_path(c, path, sizeof path);
        if (set.pause > 0) /* from none to twice as much */
            rest((double)(next_random(c) % 2048) / 1024 * set.pause);
        if (c->fd < 0 && !connect_to(c)) {
            atomic_fetch_add(&n_failed, 1);
            continue;
        }
        const double begun = now();
        if (ask(c, path, k == THUMBNAIL ? 404 : 200))
            note(c, k, (now() - begun) * 1e3);
        else
            atomic_fetch_add(&n_failed, 1);
    }
    return NULL;
}

/* ---- the server's memory ---- */

static void print_memory(const char *when)
{
    char path[64], line[256];
    snprintf(path, sizeof path, "/proc/%ld/status", set.pid);
    FILE *f = set.pid > 0 ? fopen(path, "r") : NULL;
    while (f && fgets(line, sizeof line, f)) {
        if (strncmp(line, "VmHWM:", 6) == 0 || strncmp(line, "VmRSS:", 6) == 0)
            printf("memory, %s: %s", when, line);
    }
    if (f)
        fclose(f);
    fflush(stdout);
}

/* Until so much of the time, or of the questions, is over. */
static void wait_for_share(double begun, double share)
{
    while (set.questions > 0
               ? (double)atomic_load(&n_asked) < share * (double)set.questions
               : now() - begun < share * set.seconds)
        rest(100);
}

/* ---- all of it ---- */

static void read_address(const char *text)
{
    char name[100];
    const char *token = strstr(text, "?token=");
    const char *colon = strncmp(text, "http://", 7) == 0 ? strrchr(text, ':') : NULL;
    if (!token || !colon || colon - text < 8 || colon - text > 80)
        die("the address is not like http://127.0.0.1:8723/?token=TOKEN");
    snprintf(name, sizeof name, "%.*s", (int)(colon - text - 7), text + 7);
    const long port = strtol(colon + 1, NULL, 10);
    set.to =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    if (inet_pton(AF_INET, name, &set.to.sin_addr) != 1)
        die("the address has no number like 127.0.0.1");
    snprintf(set.host, sizeof set.host, "%s:%ld", name, port);
    snprintf(set.token, sizeof set.token, "%.256s", token + 7);
}

static void read_phrases(const char *path)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t n;
    FILE *f = fopen(path, "r");
    set.phrases = calloc(PHRASES_MAX, sizeof *set.phrases);
    if (!f || !set.phrases)
        die("the phrases cannot be read");
    while (set.n_phrases < PHRASES_MAX && (n = getline(&line, &room, f)) > 0) {
        line[strcspn(line, "\r\n")] = '\0';
        if (line[0] && strlen(line) < 300)
            set.phrases[set.n_phrases++] = strdup(line);
    }
    free(line);
    fclose(f);
    if (set.n_phrases == 0)
        die("there are no phrases");
}

static client *new_client(long i)
{
    client *c = calloc(1, sizeof *c);
    if (!c || !(c->reply = malloc(REPLY_MAX)))
        die("out of memory");
    c->fd = -1;
    c->random = 88172645463325252u + (uint64_t)i * 2654435761u;
    return c;
}

/* How many images there are, and each question with a phrase once: they were met then.
 */
static void warm_up(client *c)
{
    char path[1400], phrase[1024];
    const char *body = connect_to(c) ? ask(c, "/api/catalog", 200) : NULL;
    const char *images = body ? strstr(body, "\"images\":") : NULL;
    set.images = images ? strtol(images + IMAGES_KEY, NULL, 10) : 0;
    if (set.images < 1)
        die("there is no catalog with images");
    for (size_t i = 0; i < WAYS * set.n_phrases; i++) {
        put_phrase(phrase, sizeof phrase - 32, set.phrases[i / WAYS]);
        put_question(path, sizeof path, phrase, i);
        if ((c->fd < 0 && !connect_to(c)) || !ask(c, path, 200))
            die("a phrase is not answered");
    }
}

static int by_value(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static void print_kind(client *const *clients, kind k)
{
    size_t n = 0;
    for (long i = 0; i < set.clients; i++)
        n += clients[i]->n[k];
    float *all = malloc((n + 1) * sizeof *all);
    if (!all)
        die("out of memory");
    n = 0;
    for (long i = 0; i < set.clients; i++) {
        if (clients[i]->n[k] > 0)
            memcpy(all + n, clients[i]->took[k], clients[i]->n[k] * sizeof *all);
        n += clients[i]->n[k];
    }
    qsort(all, n, sizeof *all, by_value);
    if (n > 0)
        printf("%-12s %8zu  median %8.1f ms  p99 %8.1f ms\n", kind_names[k], n,
               (double)all[n / 2], (double)all[n - 1 - n / 100]);
    free(all);
}

static void read_options(int argc, char **argv)
{
    for (int i = 3; i + 1 < argc; i += 2) {
        const double v = strtod(argv[i + 1], NULL);
        if (strcmp(argv[i], "--clients") == 0)
            set.clients = (long)v;
        else if (strcmp(argv[i], "--seconds") == 0)
            set.seconds = v;
        else if (strcmp(argv[i], "--pause") == 0)
            set.pause = v;
        else if (strcmp(argv[i], "--questions") == 0)
            set.questions = (long)v;
        else if (strcmp(argv[i], "--new") == 0)
            set.percent_new = (long)v;
        else if (strcmp(argv[i], "--pid") == 0)
            set.pid = (long)v;
        else
            die("unknown option");
    }
    if (set.clients < 1 || set.clients > CLIENTS_MAX)
        die("--clients is outside 1..1000");
}

int main(int argc, char **argv)
{
    static client *clients[CLIENTS_MAX];
    if (argc < 3)
        die("give the address that plainfilm-serve prints, and a file of phrases");
    read_address(argv[1]);
    read_phrases(argv[2]);
    read_options(argc, argv);
    for (long i = 0; i < set.clients; i++)
        clients[i] = new_client(i);
    warm_up(clients[0]);
    print_memory("before");
    const double begun = now();
    for (long i = 0; i < set.clients; i++) {
        if (pthread_create(&clients[i]->thread, NULL, run, clients[i]) != 0)
            die("cannot start a thread");
    }
    wait_for_share(begun, 0.1);
    print_memory("a tenth");
    wait_for_share(begun, 1);
    if (set.questions == 0)
        atomic_store(&is_over, true);
    size_t n = 0;
    for (long i = 0; i < set.clients; i++) {
        pthread_join(clients[i]->thread, NULL);
        for (int k = 0; k < KINDS; k++)
            n += clients[i]->n[k];
    }
    const double took = now() - begun;
    print_memory("at the end");
    for (int k = 0; k < KINDS; k++)
        print_kind(clients, (kind)k);
    printf("%ld clients, %.1f s: %zu answered (%.0f/s), %ld failed\n", set.clients,
           took, n, (double)n / took, atomic_load(&n_failed));
    return atomic_load(&n_failed) > 0;
}
