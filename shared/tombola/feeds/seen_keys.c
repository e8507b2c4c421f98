/* Remember which digests of 60 bits were seen, in little more than 5 bytes each.
 *
 * The latest stand whole in a table, at the place that their first bits name or just behind it. Of older ones the
 * first 20 bits name a bucket, and the other 40 stand in it, in order. `seen_keys.py` calls it.
 */
#include <stdint.h>

typedef uint8_t byte;

enum { MOST_AT_ONCE = 65536, BUCKET_BITS = 20, SLOT_BITS = 20, REST_BITS = 40, REST_BYTES = 5, PAGE = 65536 };
enum { SLOTS = 1 << SLOT_BITS, BUCKETS = 1 << BUCKET_BITS, FULL = SLOTS / 8 * 5 };
/* A digest stands no further from its place: whoever makes digests that crowd one place slows nothing down. */
enum { FURTHEST = 512, PADDING = 8 };
/* Tells a digest of 0 from a free place; its lowest bits are not in use. */
static const uint64_t HELD = 1;
static const uint64_t REST = ((uint64_t)1 << REST_BITS) - 1;

static uint64_t given[MOST_AT_ONCE];
static byte known[MOST_AT_ONCE];
static uint64_t latest[SLOTS + FURTHEST];
static uint32_t held;
static uint32_t begins[BUCKETS + 1]; /* where each bucket begins in what is kept, and the last one ends */
extern byte __heap_base;
#define KEPT (&__heap_base)

/* Return where digests are to be put, up to MOST_AT_ONCE. */
__attribute__((export_name("digests"))) uint64_t *digests(void) { return given; }

static inline uint32_t bucket_of(uint64_t key) { return key >> (64 - BUCKET_BITS); }

static inline uint64_t rest_of(uint64_t key) { return key >> (64 - BUCKET_BITS - REST_BITS) & REST; }

static inline uint64_t kept(uint32_t place) {
    uint64_t found;
    __builtin_memcpy(&found, KEPT + (uint64_t)place * REST_BYTES, 8);
    return found & REST;
}

static inline void keep(uint32_t place, uint64_t rest) {
    byte *to = KEPT + (uint64_t)place * REST_BYTES;
    uint32_t low = rest;
    __builtin_memcpy(to, &low, 4);
    to[4] = rest >> 32;
}

static int is_kept(uint64_t key) {
    uint32_t bucket = bucket_of(key), begin = begins[bucket], size = begins[bucket + 1] - begin;
    uint64_t rest = rest_of(key);
    while (size) {
        uint32_t half = size / 2;
        if (kept(begin + half) < rest) begin += half + 1, size -= half + 1;
        else size = half;
    }
    return begin < begins[bucket + 1] && kept(begin) == rest;
}

/* Put the latest in order at the beginning of their table. Nearly are they: none stands far from its place. */
static void order_latest(void) {
    uint32_t count = 0;
    for (uint32_t place = 0; place < SLOTS + FURTHEST; place++) {
        uint64_t key = latest[place];
        if (!key) continue;
        uint32_t to = count++;
        for (; to && latest[to - 1] > key; to--) latest[to] = latest[to - 1];
        latest[to] = key;
    }
}

/* Move the latest to the older ones, from the last to the first, so that no memory is needed but that of the new. */
static int keep_latest(void) {
    uint32_t old = begins[BUCKETS], all = old + held, more = held, end = old, to = all;
    uint64_t needed = (uintptr_t)KEPT + (uint64_t)all * REST_BYTES + PADDING, has = (uint64_t)__builtin_wasm_memory_size(0) * PAGE;
    if (needed > has && __builtin_wasm_memory_grow(0, (needed - has + PAGE - 1) / PAGE) == (uintptr_t)-1) return 0;
    order_latest();
    for (uint32_t bucket = BUCKETS; more && bucket--;) {
        uint32_t begin = begins[bucket], behind = to;
        while (more && bucket_of(latest[more - 1]) == bucket) {
            uint64_t rest = rest_of(latest[more - 1]);
            if (end > begin && kept(end - 1) > rest) keep(--to, kept(--end));
            else keep(--to, rest), more--;
        }
        while (end > begin) keep(--to, kept(--end));
        begins[bucket + 1] = behind;
    }
    __builtin_memset(latest, 0, sizeof latest);
    held = 0;
    return 1;
}

/* Tell for each digest whether it was seen before, and remember it; return where that stands, or 0 if there is no
 * room for more. */
__attribute__((export_name("seen"))) byte *seen(uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        uint64_t key = given[i], marked = key | HELD;
        uint32_t first = key >> (64 - SLOT_BITS), place = first;
        while (latest[place] && latest[place] != marked && place - first < FURTHEST - 1) place++;
        known[i] = latest[place] == marked || is_kept(key);
        if (known[i]) continue;
        if (latest[place] || held == FULL) {
            if (!keep_latest()) return 0;
            place = first;
        }
        latest[place] = marked;
        held++;
    }
    return known;
}
