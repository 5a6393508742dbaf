// What an emulator and a kernel do to a hashed page table in memory, in C: the least
// of it, without the big lock, tlbie, maps of dirty memory and statistics of the real
// ones, so that a comparison with it errs in its favour. The table is big-endian;
// pages are of 4K in segments of 256M.

#include <stdint.h>

#define SLOTS 8
#define V_VALID 1ULL
#define V_SECONDARY 2ULL
#define V_LOCK 8ULL
#define V_MATCH 0xffffffffffffff83ULL
#define NOWHERE 0xff // as a place; else index, and 8 for the secondary group

typedef struct { uint64_t v, r; } entry;

static inline uint64_t be(uint64_t x) { return __builtin_bswap64(x); }
static inline uint64_t hash(uint64_t vpn) { return (vpn >> 16) ^ (vpn & 0xffff); }
static inline uint64_t avpn(uint64_t vpn) { return (vpn >> 11) << 7 | V_VALID; }

// emulator_lookup reads each entry as a number and compares it, primary group
// first, as an emulator's walk does.
static inline int emulator_find(const entry *g, uint64_t want, uint64_t *r) {
	for (int i = 0; i < SLOTS; i++) {
		uint64_t v = be(g[i].v);
		if ((v & V_VALID) && (v & V_SECONDARY) == (want & V_SECONDARY) && ((v ^ want) & V_MATCH) == 0) {
			*r = be(g[i].r);
			return 1;
		}
	}
	return 0;
}

static uint64_t emulator_lookup(const entry *table, uint64_t mask, const uint64_t *vpn, long n) {
	uint64_t sum = 0, r = 0;
	for (long i = 0; i < n; i++) {
		uint64_t h = hash(vpn[i]), want = avpn(vpn[i]);
		if (emulator_find(table + (h & mask) * SLOTS, want, &r) ||
		    emulator_find(table + (~h & mask) * SLOTS, want | V_SECONDARY, &r))
			sum += r;
	}
	return sum;
}

// h_enter takes the first free slot of a group: the second doubleword, then the
// first, each with a plain store. The caller tries the secondary group.
static inline int h_enter_group(entry *g, uint64_t v, uint64_t r) {
	for (int i = 0; i < SLOTS; i++) {
		if (be(__atomic_load_n(&g[i].v, __ATOMIC_RELAXED)) & V_VALID)
			continue;
		__atomic_store_n(&g[i].r, be(r), __ATOMIC_RELAXED);
		__atomic_store_n(&g[i].v, be(v), __ATOMIC_RELEASE);
		return i;
	}
	return -1;
}

static void h_enter(entry *table, uint64_t mask, const uint64_t *vpn, long n, uint64_t r, uint8_t *place) {
	for (long i = 0; i < n; i++) {
		uint64_t h = hash(vpn[i]), v = avpn(vpn[i]);
		int at = h_enter_group(table + (h & mask) * SLOTS, v, r);
		place[i] = at;
		if (at < 0) {
			at = h_enter_group(table + (~h & mask) * SLOTS, v | V_SECONDARY, r);
			place[i] = at < 0 ? NOWHERE : at | 8;
		}
	}
}

// lock sets the lock bit of an entry, as a kernel on the bare machine does before it
// changes one.
static inline void lock(entry *e) {
	while (__atomic_fetch_or(&e->v, be(V_LOCK), __ATOMIC_ACQUIRE) & be(V_LOCK))
		;
}

static inline void unlock(entry *e) { __atomic_fetch_and(&e->v, ~be(V_LOCK), __ATOMIC_RELEASE); }

static inline int native_insert_group(entry *g, uint64_t v, uint64_t r) {
	for (int i = 0; i < SLOTS; i++) {
		if (__atomic_load_n(&g[i].v, __ATOMIC_RELAXED) & be(V_VALID))
			continue;
		lock(&g[i]);
		if (__atomic_load_n(&g[i].v, __ATOMIC_RELAXED) & be(V_VALID)) {
			unlock(&g[i]);
			continue;
		}
		__atomic_store_n(&g[i].r, be(r), __ATOMIC_RELAXED);
		__atomic_store_n(&g[i].v, be(v), __ATOMIC_RELEASE); // drops the lock
		return i;
	}
	return -1;
}

static void native_insert(entry *table, uint64_t mask, const uint64_t *vpn, long n, uint64_t r, uint8_t *place) {
	for (long i = 0; i < n; i++) {
		uint64_t h = hash(vpn[i]), v = avpn(vpn[i]);
		int at = native_insert_group(table + (h & mask) * SLOTS, v, r);
		place[i] = at;
		if (at < 0) {
			at = native_insert_group(table + (~h & mask) * SLOTS, v | V_SECONDARY, r);
			place[i] = at < 0 ? NOWHERE : at | 8;
		}
	}
}

// native_flush removes entries by hint, each under its lock, if they are still
// those of the page.
static long native_flush(entry *table, uint64_t mask, const uint64_t *vpn, const uint8_t *place, long n) {
	long removed = 0;
	for (long i = 0; i < n; i++) {
		uint64_t h = hash(vpn[i]), want = avpn(vpn[i]);
		if (place[i] & 8) {
			h = ~h;
			want |= V_SECONDARY;
		}
		entry *e = table + (h & mask) * SLOTS + (place[i] & 7);
		lock(e);
		if ((be(e->v) ^ want) & V_MATCH) {
			unlock(e);
			continue;
		}
		__atomic_store_n(&e->v, 0, __ATOMIC_RELEASE);
		removed++;
	}
	return removed;
}
