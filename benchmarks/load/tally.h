// What one reader saw of one writer's messages, which are numbered 0, 1, 2 …
#ifndef TALLY_H
#define TALLY_H
#include <stdint.h>

typedef struct {
    uint32_t next;    // one more than the highest number seen
    uint32_t missing; // numbers below `next` that have not come
    uint64_t seen;    // bit i: the number next-1-i has come
} tally;

typedef enum { IN_ORDER, LATE, DOUBLED } verdict;

// LATE: it comes behind a higher number. A number older than 64 cannot be told from a doubled one.
static inline verdict tally_take(tally *t, uint32_t number) {
    if (number >= t->next) {
        uint32_t ahead = number - t->next;
        t->missing += ahead;
        t->seen = ahead >= 63 ? 1 : t->seen << (ahead + 1) | 1;
        t->next = number + 1;
        return IN_ORDER;
    }
    uint32_t age = t->next - 1 - number;
    if (age >= 64 || t->seen >> age & 1) return DOUBLED;
    t->seen |= 1ull << age;
    t->missing--;
    return LATE;
}
#endif
