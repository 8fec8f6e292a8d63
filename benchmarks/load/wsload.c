// A WebSocket load generator: one thread, epoll, no dependencies. Prints one line of JSON.
//
// Each message carries a marker `_T<when: 16 hex><writer: 4 hex><number: 8 hex>_`, made of what ids may
// hold, once. Whoever gets it back can tell how long it took and what was lost, doubled or out of order.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "histogram.h"
#include "tally.h"
#include "websocket.h"

enum { MARKER = 31, ADDRESS_CONNS = 20000, READ = 1 << 18, STALL_NS = 500000000, MOST_HELLOS = 4 };

static const char *HELP =
    "wsload: WebSocket load, one JSON line on standard output\n"
    "  --host IP --port P --path /ws     where\n"
    "  --conns N      connections; all are readers\n"
    "  --writers M    the first M of them write, in turn                   (default 1)\n"
    "  --window W     closed loop: W messages that not every reader has yet\n"
    "  --rate R       open loop: R messages/s in all; latency from the scheduled send\n"
    "  --each W       every connection writes, has W outstanding, and counts its own answers\n"
    "  --idle         only hold the connections\n"
    "  --seconds S --warmup S            how long; --count K: or K messages (with --rate)\n"
    "  --settle MS                       quiet time between the last join and the first message\n"
    "  --parallel K                      handshakes under way at a time    (default 64)\n"
    "  --template T --size BYTES         %M marker, %P padding up to size, %N number, %K number mod 50,\n"
    "                                    %C connection, %G group; the last two also in --hello\n"
    "  --groups K                        connection i is in group i mod K: its messages go to that group\n"
    "  --hello T      sent after the upgrade (repeatable); --ready S: connected once a message has S\n"
    "  --ignore S     messages with S in their first 64 bytes are not counted\n"
    "  --refused S    the same, and they are counted as refusals\n"
    "  --pid P        process whose CPU and memory are reported\n";

static struct {
    const char *host, *path, *template, *ready, *ignore, *refused, *hello[MOST_HELLOS];
    int port, conns, writers, window, each, idle, size, groups, settle_ms, parallel, hellos, pid;
    long count;
    double rate, seconds, warmup;
} O = {.host = "127.0.0.1",
       .path = "/ws",
       .template = "{\"id\":\"%M\",\"text\":\"%P\"}",
       .conns = 100,
       .writers = 1,
       .size = 200,
       .groups = 1,
       .settle_ms = 300,
       .parallel = 64,
       .seconds = 5,
       .warmup = 1};

typedef enum { CONNECTING, UPGRADING, GREETING, READY, DEAD } state;

typedef struct {
    int fd;
    state state;
    u32 index, in_flight, sent, in_size, in_room, fragment_size, fragment_room;
    int wants_out, fragmented;
    size_t out_from, out_to, out_room;
    u8 *in, *out, *fragment;
    tally *seen; // one per writer
    char answer[32];
} conn;

static conn *C;
static u32 *readers; // by group
static int loop, under_way;
static enum { OPENING, SETTLING, LOADING, DRAINING } phase;
static histogram latency;
static u64 opened, failed, closed, refused, broken, active, messages, received_bytes;
static u64 number, sent, expected, delivered, delivered_in_window, carriers, late, doubled, stalls, given_up;
static u64 window_from, window_to, last_delivery, read_at;
static u8 *scratch, *payload;
static size_t scratch_room = 4 << 20;

// --- one connection's way out

static void watch(conn *c, int op) {
    struct epoll_event event = {.events = EPOLLIN | (c->wants_out ? EPOLLOUT : 0), .data.u32 = c->index};
    epoll_ctl(loop, op, c->fd, &event);
}

static void lose(conn *c) {
    if (c->state == DEAD) return;
    if (c->state == READY)
        closed++, active--, readers[c->index % (u32)O.groups]--;
    else
        failed++, under_way--;
    close(c->fd);
    c->fd = -1;
    c->state = DEAD;
}

static void flush(conn *c) {
    while (c->out_from < c->out_to) {
        ssize_t n = send(c->fd, c->out + c->out_from, c->out_to - c->out_from, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) {
            if (!c->wants_out) c->wants_out = 1, watch(c, EPOLL_CTL_MOD);
            return;
        }
        if (n < 0) {
            lose(c);
            return;
        }
        c->out_from += (size_t)n;
    }
    c->out_from = c->out_to = 0;
    if (c->wants_out) c->wants_out = 0, watch(c, EPOLL_CTL_MOD);
}

static u8 *room(conn *c, size_t n) {
    if (c->out_to + n > c->out_room) {
        c->out_room = (c->out_to + n) * 2;
        c->out = realloc(c->out, c->out_room);
    }
    return c->out + c->out_to;
}

static void queue_frame(conn *c, int opcode, const u8 *data, size_t n) {
    u8 *o = room(c, n + 14);
    c->out_to += put_frame(o, opcode, data, n);
}

// --- messages out

static size_t put_marker(char *o, u64 when, u32 writer, u32 count) {
    return (size_t)sprintf(o, "_T%016llx%04x%08x_", (unsigned long long)when, writer, count);
}

static size_t expand(const char *t, char *o, conn *c, u64 when) {
    size_t n = 0;
    long padding = -1;
    for (; *t; t++) {
        if (*t != '%') {
            o[n++] = *t;
            continue;
        }
        switch (*++t) {
        case 'M': n += put_marker(o + n, when, c->index, c->sent); break;
        case 'P': padding = (long)n; break;
        case 'N': n += (size_t)sprintf(o + n, "%llu", (unsigned long long)number); break;
        case 'K': n += (size_t)sprintf(o + n, "%llu", (unsigned long long)number % 50); break;
        case 'C': n += (size_t)sprintf(o + n, "%04u", c->index); break;
        case 'G': n += (size_t)sprintf(o + n, "%u", c->index % (u32)O.groups); break;
        default: o[n++] = '%', o[n++] = *t;
        }
    }
    if (padding >= 0 && n < (size_t)O.size) {
        size_t more = (size_t)O.size - n;
        memmove(o + padding + more, o + padding, n - (size_t)padding);
        memset(o + padding, 'x', more);
        n += more;
    }
    return n;
}

static void publish(conn *c, u64 when) {
    size_t n = expand(O.template, (char *)payload, c, when);
    queue_frame(c, 1, payload, n);
    number++;
    sent++;
    c->sent++;
    c->in_flight++;
    expected += O.each ? 1 : readers[c->index % (u32)O.groups];
}

static conn *next_writer(void) {
    static int turn;
    for (int i = 0; i < O.writers; i++) {
        conn *c = &C[turn++ % O.writers];
        if (c->state == READY) return c;
    }
    return NULL;
}

// --- messages in

static int hex(const u8 *p, int digits, u64 *value) {
    *value = 0;
    for (int i = 0; i < digits; i++) {
        u8 x = p[i];
        if (x >= '0' && x <= '9')
            *value = *value << 4 | (u64)(x - '0');
        else if (x >= 'a' && x <= 'f')
            *value = *value << 4 | (u64)(x - 'a' + 10);
        else
            return 0;
    }
    return 1;
}

static void take(conn *c, u64 when, u32 writer, u32 count) {
    if (writer >= (u32)O.writers) return;
    verdict v = tally_take(&c->seen[O.each ? 0 : writer], count);
    if (v == DOUBLED) {
        doubled++;
        return;
    }
    late += v == LATE;
    delivered++;
    last_delivery = read_at;
    if (c->in_flight) c->in_flight--;
    if (read_at >= window_from && read_at < window_to) delivered_in_window++;
    if (when >= window_from && when < window_to) histogram_add(&latency, read_at > when ? read_at - when : 0);
}

static void count_markers(conn *c, const u8 *p, const u8 *end) {
    while (end - p >= MARKER && (p = memchr(p, '_', (size_t)(end - p) - MARKER + 1))) {
        u64 when, writer, count;
        if (p[1] == 'T' && p[30] == '_' && hex(p + 2, 16, &when) && hex(p + 18, 4, &writer) &&
            hex(p + 22, 8, &count)) {
            take(c, when, (u32)writer, (u32)count);
            p += MARKER;
        } else
            p++;
    }
}

static int has(const u8 *p, size_t n, const char *text) { return text && memmem(p, n, text, strlen(text)); }

static void became_ready(conn *c) {
    c->state = READY;
    opened++, active++, under_way--;
    readers[c->index % (u32)O.groups]++;
}

static void message(conn *c, const u8 *p, size_t n) {
    size_t head = n < 64 ? n : 64;
    messages++;
    if (has(p, head, O.refused)) {
        if (!refused++) fprintf(stderr, "refused: %.*s\n", (int)(n < 400 ? n : 400), p);
        return;
    }
    if (c->state == GREETING && has(p, n, O.ready)) became_ready(c);
    if (phase >= LOADING && !has(p, head, O.ignore)) {
        u64 before = delivered_in_window;
        count_markers(c, p, p + n);
        if (delivered_in_window > before) carriers++;
    }
}

static void fragment(conn *c, const u8 *p, size_t n, int final) {
    if (c->fragment_size + n > c->fragment_room) {
        c->fragment_room = (u32)(c->fragment_size + n) * 2;
        c->fragment = realloc(c->fragment, c->fragment_room);
    }
    memcpy(c->fragment + c->fragment_size, p, n);
    c->fragment_size += (u32)n;
    c->fragmented = !final;
    if (final) {
        message(c, c->fragment, c->fragment_size);
        c->fragment_size = 0;
    }
}

static void frame(conn *c, u8 first, u8 *p, size_t n) {
    int opcode = first & 15, final = first >> 7;
    if (opcode == 9)
        queue_frame(c, 10, p, n);
    else if (opcode == 8) {
        if (n >= 2) fprintf(stderr, "closed: %d %.*s\n", p[0] << 8 | p[1], (int)n - 2, p + 2);
        lose(c);
    } else if (opcode > 2 && opcode != 10)
        broken++, lose(c);
    else if (opcode <= 2 && (!opcode) != c->fragmented)
        broken++, lose(c);
    else if (opcode <= 2 && opcode && final)
        message(c, p, n);
    else if (opcode <= 2)
        fragment(c, p, n, final);
}

static size_t parse(conn *c, u8 *b, size_t n) {
    size_t done = 0;
    while (c->state != DEAD) {
        u64 size;
        size_t head = read_head(b + done, n - done, &size);
        if (!head || n - done - head < size) break;
        if (b[done + 1] & 0x80 || b[done] & 0x70) {
            broken++, lose(c);
            break;
        }
        frame(c, b[done], b + done + head, (size_t)size);
        done += head + (size_t)size;
    }
    return done;
}

static void keep(conn *c, const u8 *b, size_t n) {
    if (n > c->in_room) {
        c->in_room = (u32)n * 2;
        c->in = realloc(c->in, c->in_room);
    }
    if (n) memmove(c->in, b, n);
    c->in_size = (u32)n;
}

// The upgrade's answer: its size, or 0 while it is not whole. The connection is lost when it is a refusal.
static size_t upgraded(conn *c, u8 *b, size_t n) {
    u8 *end = memmem(b, n, "\r\n\r\n", 4);
    if (!end) return 0;
    *end = 0;
    if (strncmp((char *)b, "HTTP/1.1 101", 12) || !strcasestr((char *)b, c->answer)) {
        if (!failed) fprintf(stderr, "refused upgrade: %.300s\n", b);
        lose(c);
        return 0;
    }
    for (int i = 0; i < O.hellos; i++) {
        size_t size = expand(O.hello[i], (char *)payload, c, 0);
        queue_frame(c, 1, payload, size);
    }
    if (O.ready)
        c->state = GREETING;
    else
        became_ready(c);
    return (size_t)(end + 4 - b);
}

static void readable(conn *c) {
    ssize_t n = READ;
    while (n == READ) {
        if (c->in_size + READ > scratch_room) {
            scratch_room = (c->in_size + READ) * 2;
            scratch = realloc(scratch, scratch_room);
        }
        if (c->in_size) memcpy(scratch, c->in, c->in_size);
        n = recv(c->fd, scratch + c->in_size, READ, 0);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (n <= 0) {
            lose(c);
            return;
        }
        read_at = now_ns();
        received_bytes += (u64)n;
        size_t size = c->in_size + (size_t)n, done = 0;
        if (c->state == UPGRADING) done = upgraded(c, scratch, size);
        if (c->state > UPGRADING) done += parse(c, scratch + done, size - done);
        if (c->state == DEAD) return;
        keep(c, scratch + done, size - done);
        while (O.each && phase == LOADING && c->in_flight < (u32)O.each) publish(c, read_at);
        if (!c->wants_out) flush(c);
        if (c->state == DEAD) return;
    }
}

// --- connecting

static void start(int i) {
    conn *c = &C[i];
    int one = 1, no_port = 24; // 24: IP_BIND_ADDRESS_NO_PORT
    struct sockaddr_in at = {.sin_family = AF_INET};
    c->index = (u32)i;
    c->state = CONNECTING;
    c->wants_out = 1;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    c->seen = calloc((size_t)(O.each ? 1 : O.writers), sizeof *c->seen);
    under_way++;
    if (c->fd < 0) {
        perror("socket");
        lose(c);
        return;
    }
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(c->fd, IPPROTO_IP, no_port, &one, sizeof one);
    if (!strncmp(O.host, "127.", 4)) { // an address has ports for so many
        at.sin_addr.s_addr = htonl(0x7f000002 + (u32)i / ADDRESS_CONNS);
        if (bind(c->fd, (void *)&at, sizeof at)) perror("bind");
    }
    at.sin_port = htons((uint16_t)O.port);
    inet_pton(AF_INET, O.host, &at.sin_addr);
    if (connect(c->fd, (void *)&at, sizeof at) && errno != EINPROGRESS) {
        perror("connect");
        lose(c);
        return;
    }
    watch(c, EPOLL_CTL_ADD);
}

static void connected(conn *c) {
    int error = 0;
    socklen_t size = sizeof error;
    char key[32];
    getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error) {
        if (!failed) fprintf(stderr, "connect: %s\n", strerror(error));
        lose(c);
        return;
    }
    make_key(key, c->answer);
    c->state = UPGRADING;
    c->out_to += (size_t)sprintf((char *)room(c, 1024),
                                 "GET %.400s HTTP/1.1\r\nHost: %.100s:%d\r\nUpgrade: websocket\r\n"
                                 "Connection: Upgrade\r\nSec-WebSocket-Key: %s\r\n"
                                 "Sec-WebSocket-Version: 13\r\n\r\n",
                                 O.path, O.host, O.port, key);
    flush(c);
}

static void turn(u64 most_ns) {
    static struct epoll_event events[1024];
    struct timespec wait = {(time_t)(most_ns / 1000000000), (long)(most_ns % 1000000000)};
    int n = epoll_pwait2(loop, events, 1024, &wait, NULL);
    for (int i = 0; i < n; i++) {
        conn *c = &C[events[i].data.u32];
        if (c->state == DEAD) continue;
        if (c->state == CONNECTING)
            connected(c);
        else if (events[i].events & EPOLLOUT)
            flush(c);
        if (c->state != DEAD && events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) readable(c);
    }
}

static void turns_until(u64 when) {
    for (u64 now; (now = now_ns()) < when;) turn(when - now);
}

// --- the load

static double due_lag_ms;

static u64 publish_due(u64 from) {
    static u64 k;
    for (int i = 0; i < 256; i++) {
        if (O.count && sent >= (u64)O.count) break;
        u64 due = from + (u64)((double)k * 1e9 / O.rate), now = now_ns();
        if (due > now) return due - now < 10000000 ? due - now : 10000000;
        conn *c = next_writer();
        k++;
        if (!c) break;
        if ((double)(now - due) / 1e6 > due_lag_ms) due_lag_ms = (double)(now - due) / 1e6;
        publish(c, due);
        flush(c);
    }
    return 0;
}

// A message is outstanding until the last reader has it. What does not come for a while is given up.
static void fill_window(void) {
    u64 per = active / (u64)O.groups;
    if (!per) per = 1;
    while (expected - delivered - given_up + per <= (u64)O.window * per) {
        conn *c = next_writer();
        if (!c) return;
        publish(c, now_ns());
        flush(c);
    }
    if (now_ns() > last_delivery + STALL_NS) {
        stalls++;
        given_up = expected - delivered;
        last_delivery = now_ns();
    }
}

static double server_cpu(void) {
    char path[64], text[1024];
    unsigned long user = 0, kernel = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", O.pid);
    FILE *f = O.pid ? fopen(path, "r") : NULL;
    if (!f) return 0;
    if (fgets(text, sizeof text, f)) {
        char *p = strrchr(text, ')');
        if (p) sscanf(p + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &kernel);
    }
    fclose(f);
    return (double)(user + kernel) / (double)sysconf(_SC_CLK_TCK);
}

static long server_kib(void) {
    char path[64];
    long pages = 0;
    snprintf(path, sizeof path, "/proc/%d/statm", O.pid);
    FILE *f = O.pid ? fopen(path, "r") : NULL;
    if (!f) return 0;
    if (fscanf(f, "%*d %ld", &pages) != 1) pages = 0;
    fclose(f);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static double own_cpu(void) {
    struct rusage r;
    getrusage(RUSAGE_SELF, &r);
    return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
           (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

// Seconds that this process was ready and had no core: others were at work there.
static double waited(void) {
    unsigned long long ns = 0;
    FILE *f = fopen("/proc/self/schedstat", "r");
    if (!f)
        return 0;
    if (fscanf(f, "%*u %llu", &ns) != 1)
        ns = 0;
    fclose(f);
    return (double)ns / 1e9;
}

typedef struct {
    double server, own, waited;
    u64 sent;
} marks;

static marks mark(void) { return (marks){server_cpu(), own_cpu(), waited(), sent}; }

static marks load(void) {
    marks before = {0};
    int in_window = 0;
    u64 from = now_ns();
    window_from = from + (u64)(O.warmup * 1e9);
    window_to = window_from + (u64)(O.seconds * 1e9);
    last_delivery = from;
    phase = LOADING;
    for (int i = 0; O.each && i < O.conns; i++) {
        while (C[i].state == READY && C[i].in_flight < (u32)O.each) publish(&C[i], now_ns());
        if (C[i].state == READY) flush(&C[i]);
    }
    for (u64 now; active && (now = now_ns()) < window_to;) {
        u64 wait = 1000000;
        if (!in_window && now >= window_from) in_window = 1, before = mark();
        if (O.rate > 0)
            wait = publish_due(from);
        else if (O.window)
            fill_window();
        if (O.count && sent >= (u64)O.count) break;
        turn(wait);
    }
    return before;
}

// Until everything has come, or nothing has for 1.5 s.
static void drain(void) {
    phase = DRAINING;
    u64 seen = delivered, since = now_ns();
    while (delivered < expected && active && now_ns() - since < 1500000000) {
        turn(20000000);
        if (delivered != seen) seen = delivered, since = now_ns();
    }
}

static void field(const char *name, double value) { printf(",\"%s\":%.6g", name, value); }

static void report(marks before, double open_s, long kib_before) {
    marks after = mark();
    u64 now = now_ns(), end = now < window_to ? now : window_to;
    double took = end > window_from ? (double)(end - window_from) / 1e9 : 1;
    long kib = server_kib();
    drain();
    printf("{\"open\":%llu", (unsigned long long)opened);
    field("failed", (double)failed);
    field("open_s", open_s);
    field("closed", (double)closed);
    field("refused", (double)refused);
    field("broken", (double)broken);
    field("kib_before", (double)kib_before);
    field("kib", (double)kib);
    if (!O.idle) {
        printf(",\"sent\":%llu,\"expected\":%llu,\"delivered\":%llu,\"lost\":%lld", (unsigned long long)sent,
               (unsigned long long)expected, (unsigned long long)delivered,
               (long long)(expected - delivered));
        field("doubled", (double)doubled);
        field("out_of_order", (double)late);
        field("stalls", (double)stalls);
        field("sent_per_s", (double)(after.sent - before.sent) / took);
        field("delivered_per_s", (double)delivered_in_window / took);
        field("per_frame", carriers ? (double)delivered_in_window / (double)carriers : 0);
        field("p50_ms", histogram_ms(&latency, .5));
        field("p90_ms", histogram_ms(&latency, .9));
        field("p99_ms", histogram_ms(&latency, .99));
        field("max_ms", histogram_ms(&latency, 1));
        field("generator_lag_ms", due_lag_ms);
        field("server_cpu", (after.server - before.server) / took);
        field("generator_waited", (after.waited - before.waited) / took);
        field("generator_cpu", (after.own - before.own) / took);
    }
    printf("}\n");
}

// --- the command line

static void number_option(const char *name, const char *value) {
    struct {
        const char *name;
        int *at;
    } all[] = {{"port", &O.port},     {"conns", &O.conns},      {"writers", &O.writers},
               {"window", &O.window}, {"each", &O.each},        {"size", &O.size},
               {"groups", &O.groups}, {"settle", &O.settle_ms}, {"parallel", &O.parallel},
               {"pid", &O.pid}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (!strcmp(all[i].name, name)) *all[i].at = atoi(value);
}

static void options(int argc, char **argv) {
    enum {
        NUMBER = 1,
        HOST,
        PATH,
        TEMPLATE,
        READY_TEXT,
        IGNORE,
        REFUSED,
        HELLO,
        RATE,
        SECONDS,
        WARMUP,
        COUNT
    };
    static struct option known[] = {{"port", 1, 0, NUMBER},
                                    {"conns", 1, 0, NUMBER},
                                    {"writers", 1, 0, NUMBER},
                                    {"window", 1, 0, NUMBER},
                                    {"each", 1, 0, NUMBER},
                                    {"size", 1, 0, NUMBER},
                                    {"groups", 1, 0, NUMBER},
                                    {"settle", 1, 0, NUMBER},
                                    {"parallel", 1, 0, NUMBER},
                                    {"pid", 1, 0, NUMBER},
                                    {"host", 1, 0, HOST},
                                    {"path", 1, 0, PATH},
                                    {"template", 1, 0, TEMPLATE},
                                    {"ready", 1, 0, READY_TEXT},
                                    {"ignore", 1, 0, IGNORE},
                                    {"refused", 1, 0, REFUSED},
                                    {"hello", 1, 0, HELLO},
                                    {"rate", 1, 0, RATE},
                                    {"seconds", 1, 0, SECONDS},
                                    {"warmup", 1, 0, WARMUP},
                                    {"count", 1, 0, COUNT},
                                    {"idle", 0, &O.idle, 1},
                                    {0}};
    int which, at = 0;
    while ((which = getopt_long(argc, argv, "", known, &at)) != -1) switch (which) {
        case 0: break;
        case NUMBER: number_option(known[at].name, optarg); break;
        case HOST: O.host = optarg; break;
        case PATH: O.path = optarg; break;
        case TEMPLATE: O.template = optarg; break;
        case READY_TEXT: O.ready = optarg; break;
        case IGNORE: O.ignore = optarg; break;
        case REFUSED: O.refused = optarg; break;
        case HELLO:
            if (O.hellos < MOST_HELLOS) O.hello[O.hellos++] = optarg;
            break;
        case RATE: O.rate = atof(optarg); break;
        case SECONDS: O.seconds = atof(optarg); break;
        case WARMUP: O.warmup = atof(optarg); break;
        case COUNT: O.count = atol(optarg); break;
        default: fputs(HELP, stderr); exit(2);
        }
    if (O.each) O.writers = O.conns;
    if (O.writers > O.conns || O.conns < 1 || O.groups < 1 || O.size > 60000) fputs(HELP, stderr), exit(2);
}

int main(int argc, char **argv) {
    options(argc, argv);
    signal(SIGPIPE, SIG_IGN);
    random_state ^= now_ns();
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    C = calloc((size_t)O.conns, sizeof *C);
    readers = calloc((size_t)O.groups, sizeof *readers);
    scratch = malloc(scratch_room);
    payload = malloc(1 << 17);
    loop = epoll_create1(0);

    long kib_before = server_kib();
    u64 from = now_ns();
    for (int next = 0; opened + failed < (u64)O.conns && now_ns() - from < 120000000000ull;) {
        while (next < O.conns && under_way < O.parallel) start(next++);
        turn(100000000);
    }
    double open_s = (double)(now_ns() - from) / 1e9;
    phase = SETTLING;
    turns_until(now_ns() + (u64)O.settle_ms * 1000000);
    report(O.idle ? mark() : load(), open_s, kib_before);
    return failed ? 1 : 0;
}
