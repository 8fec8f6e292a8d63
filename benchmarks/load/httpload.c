// An HTTP/1.1 load generator: keep-alive connections in a closed loop. Prints one line of JSON.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "histogram.h"

enum { ROOM = 1 << 16 };

typedef struct {
    int fd;
    size_t size;
    uint64_t asked;
    char in[ROOM];
} conn;

static const char *host, *method, *path, *body, *header = "";
static int port;
static histogram latency;
static uint64_t number, answered, in_window, other_status, broken, window_from, window_to;
static double seconds, warmup;

static size_t expand(char *o, const char *t) {
    size_t n = 0;
    for (; *t; t++) {
        if (t[0] == '%' && t[1] == 'N')
            n += (size_t)sprintf(o + n, "%llu", (unsigned long long)number), t++;
        else if (t[0] == '%' && t[1] == 'K')
            n += (size_t)sprintf(o + n, "%d", (int)(number % 50)), t++;
        else
            o[n++] = *t;
    }
    o[n] = 0;
    return n;
}

static void ask(conn *c) {
    char text[8192], where[1024], what[4096];
    expand(where, path);
    size_t size = expand(what, body);
    int n = sprintf(text, "%s %s HTTP/1.1\r\nHost: %s:%d\r\n", method, where, host, port);
    if (size) n += sprintf(text + n, "Content-Type: application/json\r\nContent-Length: %zu\r\n", size);
    if (*header) n += sprintf(text + n, "%s\r\n", header);
    n += sprintf(text + n, "\r\n%s", what);
    number++;
    c->size = 0;
    c->asked = now_ns();
    if (send(c->fd, text, (size_t)n, MSG_NOSIGNAL) != n) broken++;
}

// Whether the answer is whole. Its length must be stated.
static int whole(conn *c) {
    c->in[c->size] = 0;
    char *end = memmem(c->in, c->size, "\r\n\r\n", 4);
    if (!end) return 0;
    char *stated = strcasestr(c->in, "\r\nContent-Length:");
    if (!stated || stated > end) {
        fprintf(stderr, "an answer without a length: %.300s\n", c->in);
        exit(1);
    }
    return c->size >= (size_t)(end + 4 - c->in) + strtoul(stated + 17, NULL, 10);
}

static void readable(conn *c) {
    ssize_t n = recv(c->fd, c->in + c->size, ROOM - 1 - c->size, 0);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) {
        fprintf(stderr, "the server closed a connection\n");
        exit(1);
    }
    c->size += (size_t)n;
    if (!whole(c)) return;
    uint64_t now = now_ns();
    answered++;
    if (strncmp(c->in, "HTTP/1.1 2", 10) && !other_status++) fprintf(stderr, "answer: %.400s\n", c->in);
    if (now >= window_from && now < window_to) in_window++, histogram_add(&latency, now - c->asked);
    if (now < window_to) ask(c);
}

static void open_one(conn *c, int loop) {
    int one = 1;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    inet_pton(AF_INET, host, &at.sin_addr);
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (c->fd < 0 || connect(c->fd, (void *)&at, sizeof at)) {
        perror("connect");
        exit(1);
    }
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    epoll_ctl(loop, EPOLL_CTL_ADD, c->fd, &event);
}

int main(int argc, char **argv) {
    if (argc != 9 && argc != 10) {
        fputs("httpload HOST PORT CONNECTIONS SECONDS WARMUP METHOD PATH BODY [HEADER]\n"
              "PATH and BODY: %N is the number of the request, %K that number mod 50\n",
              stderr);
        return 2;
    }
    host = argv[1], port = atoi(argv[2]), seconds = atof(argv[4]), warmup = atof(argv[5]);
    method = argv[6], path = argv[7], body = argv[8];
    if (argc == 10) header = argv[9];
    signal(SIGPIPE, SIG_IGN);
    int conns = atoi(argv[3]), loop = epoll_create1(0);
    conn *all = calloc((size_t)conns, sizeof *all);
    for (int i = 0; i < conns; i++) open_one(&all[i], loop);
    window_from = now_ns() + (uint64_t)(warmup * 1e9);
    window_to = window_from + (uint64_t)(seconds * 1e9);
    for (int i = 0; i < conns; i++) ask(&all[i]);
    while (now_ns() < window_to) {
        struct epoll_event events[256];
        int n = epoll_wait(loop, events, 256, 100);
        for (int i = 0; i < n; i++) readable(events[i].data.ptr);
    }
    printf("{\"open\":%d,\"answered\":%llu,\"refused\":%llu,\"broken\":%llu,\"answered_per_s\":%.6g,"
           "\"p50_ms\":%.6g,\"p99_ms\":%.6g}\n",
           conns, (unsigned long long)answered, (unsigned long long)other_status, (unsigned long long)broken,
           (double)in_window / seconds, histogram_ms(&latency, .5), histogram_ms(&latency, .99));
    return 0;
}
