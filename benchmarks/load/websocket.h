// The client's side of RFC 6455, as far as a load generator needs it.
#ifndef WEBSOCKET_H
#define WEBSOCKET_H
#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef uint8_t u8;
typedef uint32_t u32;
typedef uint64_t u64;

static u64 random_state = 88172645463325252ull;

static inline u64 random_next(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static inline u32 rotated(u32 x, int n) { return x << n | x >> (32 - n); }

// `n` is below 119.
static void sha1(const u8 *data, size_t n, u8 *out) {
    u32 h[5] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
    u8 block[128] = {0};
    memcpy(block, data, n);
    block[n] = 0x80;
    size_t total = n + 9 <= 64 ? 64 : 128;
    for (int i = 0; i < 8; i++) block[total - 1 - i] = (u8)((u64)n * 8 >> (8 * i));
    for (size_t o = 0; o < total; o += 64) {
        u32 w[80], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
        for (int i = 0; i < 16; i++) {
            const u8 *p = block + o + 4 * i;
            w[i] = (u32)p[0] << 24 | (u32)p[1] << 16 | (u32)p[2] << 8 | p[3];
        }
        for (int i = 16; i < 80; i++) w[i] = rotated(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
        for (int i = 0; i < 80; i++) {
            u32 f, k;
            if (i < 20)
                f = (b & c) | (~b & d), k = 0x5A827999;
            else if (i < 40)
                f = b ^ c ^ d, k = 0x6ED9EBA1;
            else if (i < 60)
                f = (b & c) | (b & d) | (c & d), k = 0x8F1BBCDC;
            else
                f = b ^ c ^ d, k = 0xCA62C1D6;
            u32 t = rotated(a, 5) + f + e + k + w[i];
            e = d, d = c, c = rotated(b, 30), b = a, a = t;
        }
        h[0] += a, h[1] += b, h[2] += c, h[3] += d, h[4] += e;
    }
    for (int i = 0; i < 20; i++) out[i] = (u8)(h[i / 4] >> (24 - 8 * (i % 4)));
}

static void base64(const u8 *data, int n, char *out) {
    static const char *digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    int j = 0;
    for (int i = 0; i < n; i += 3) {
        u32 v = (u32)data[i] << 16 | (i + 1 < n ? data[i + 1] << 8 : 0) | (i + 2 < n ? data[i + 2] : 0);
        out[j++] = digits[v >> 18];
        out[j++] = digits[v >> 12 & 63];
        out[j++] = i + 1 < n ? digits[v >> 6 & 63] : '=';
        out[j++] = i + 2 < n ? digits[v & 63] : '=';
    }
    out[j] = 0;
}

// A fresh Sec-WebSocket-Key (25 bytes with the end) and the answer that it must get (29 bytes).
static void make_key(char *key, char *answer) {
    u8 nonce[16], digest[20];
    char text[96];
    for (int i = 0; i < 16; i++) nonce[i] = (u8)(random_next() >> 24);
    base64(nonce, 16, key);
    int n = snprintf(text, sizeof text, "%s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);
    sha1((u8 *)text, (size_t)n, digest);
    base64(digest, 20, answer);
}

// Writes a masked frame to `o`, which has room for n + 14 bytes; returns its size.
static size_t put_frame(u8 *o, int opcode, const u8 *payload, size_t n) {
    size_t head = 2;
    o[0] = (u8)(0x80 | opcode);
    if (n < 126)
        o[1] = (u8)(0x80 | n);
    else if (n < 65536)
        o[1] = 0x80 | 126, o[2] = (u8)(n >> 8), o[3] = (u8)n, head = 4;
    else {
        o[1] = 0x80 | 127, head = 10;
        for (int i = 0; i < 8; i++) o[2 + i] = (u8)((u64)n >> (56 - 8 * i));
    }
    u32 mask = (u32)random_next();
    memcpy(o + head, &mask, 4);
    head += 4;
    for (size_t i = 0; i < n; i++) o[head + i] = payload[i] ^ ((u8 *)&mask)[i & 3];
    return head + n;
}

// Reads the head of a server's frame: its size, or 0 when there is not enough of it yet.
static size_t read_head(const u8 *b, size_t n, u64 *payload) {
    if (n < 2) return 0;
    u64 size = b[1] & 127;
    size_t head = 2;
    if (size == 126) {
        if (n < 4) return 0;
        size = (u64)b[2] << 8 | b[3], head = 4;
    } else if (size == 127) {
        if (n < 10) return 0;
        size = 0, head = 10;
        for (int i = 0; i < 8; i++) size = size << 8 | b[2 + i];
    }
    *payload = size;
    return head;
}
#endif
