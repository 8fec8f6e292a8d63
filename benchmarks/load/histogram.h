// Latencies in nanoseconds: 128 buckets per octave, so that a quantile is less than 0.8 % off.
#ifndef HISTOGRAM_H
#define HISTOGRAM_H
#include <stdint.h>
#include <time.h>

enum { SUB = 128, BUCKETS = SUB * 44 };

typedef struct {
    uint64_t count[BUCKETS], n, most;
} histogram;

static inline uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

static inline void histogram_add(histogram *h, uint64_t value) {
    int bucket = (int)value;
    if (value >= SUB) {
        int e = 63 - __builtin_clzll(value) - 7;
        bucket = (e + 1) * SUB + (int)((value >> e) - SUB);
        if (bucket >= BUCKETS) bucket = BUCKETS - 1;
    }
    if (value > h->most) h->most = value;
    h->n++;
    h->count[bucket]++;
}

static inline uint64_t bucket_value(int bucket) {
    if (bucket < SUB) return (uint64_t)bucket;
    int e = bucket / SUB - 1;
    return ((uint64_t)(bucket % SUB + SUB) << e) + ((1ull << e) >> 1);
}

// The quantile q in milliseconds; -1 when nothing was added.
static inline double histogram_ms(const histogram *h, double q) {
    if (!h->n) return -1;
    uint64_t wanted = (uint64_t)(q * (double)h->n + 0.999999), seen = 0;
    if (wanted < 1) wanted = 1;
    for (int i = 0; i < BUCKETS; i++) {
        seen += h->count[i];
        if (seen >= wanted) {
            uint64_t value = bucket_value(i);
            return (double)(value < h->most ? value : h->most) / 1e6;
        }
    }
    return (double)h->most / 1e6;
}
#endif
