/* The guest's kernel: it takes storage and segment interrupts, fills the SLB
 * and the hash table, and serves the user program's system calls. */
#include "guest.h"

struct frame {			/* as head.S stores it */
	u64 r0, r1, r2, r3_12[10], lr, ctr, cr, xer, srr0, srr1;
};

long hcall(u64 number, u64 a0, u64 a1, u64 a2, u64 a3);		/* return code */
long hcall_result(u64 number, u64 a0, u64 a1, u64 a2, u64 a3);	/* or first result */

#define H_REMOVE        0x04
#define H_ENTER         0x08
#define H_PROTECT       0x18
#define H_PUT_TERM_CHAR 0x58
#define H_AVPN          (1ul << 31)
#define H_STOP_SELF     0xf000		/* this machine's own */

#define HPT_GROUPS      0x800ul		/* order 18 */

extern char user_start[], user_end[];

static struct cpu {
	u64 frames;			/* given out */
	u64 next_slb;
	u64 dsi, isi, dseg, iseg, syscalls, entered, locked;
} cpus[2];

static u64 self(void)
{
	u64 n;
	asm volatile("mfsprg %0, 3" : "=r"(n));
	return n;
}

static void put(const char *s)
{
	while (*s)
		hcall(H_PUT_TERM_CHAR, 0, 1, (u64)*s++ << 56, 0);
}

static void put_number(u64 v)
{
	char text[24], *p = text + sizeof text;
	*--p = 0;
	do {
		*--p = '0' + v % 10;
		v /= 10;
	} while (v);
	put(p);
}

static void stop(void)
{
	hcall(H_STOP_SELF, 0, 0, 0, 0);
}

static void die(const char *why, u64 value)
{
	put(why);
	put_number(value);
	put("\n");
	stop();
}

/* Segments: 256M below 1T, 1T above. */
static int big(u64 ea)
{
	return ea >> 40 != 0;
}

static u64 vsid(u64 ea)
{
	u64 esid = big(ea) ? ea >> 40 : ea >> 28;
	return 0x5000 + self() * 0x1000 + esid * 37 + big(ea);
}

static void segment(u64 ea)
{
	struct cpu *c = &cpus[self()];
	u64 esid = big(ea) ? ea >> 40 << 40 : ea >> 28 << 28;
	u64 rs = big(ea) ? 1ul << 62 | vsid(ea) << 24 : vsid(ea) << 12;
	u64 slot = c->next_slb++ % 32;
	asm volatile("slbmte %0, %1" : : "r"(rs | 0xc00), "r"(esid | 1ul << 27 | slot));
}

/* The V doubleword of a 4K page, without V. */
static u64 avpn(u64 ea)
{
	if (big(ea))
		return 1ul << 62 | vsid(ea) << 24 | (ea & 0xffffffffff) >> 23 << 7;
	return vsid(ea) << 12 | (ea & 0xfffffff) >> 23 << 7;
}

static u64 group(u64 ea)
{
	u64 v = vsid(ea);
	u64 hash = big(ea) ? v ^ v << 25 ^ (ea & 0xffffffffff) >> 12 : v ^ (ea & 0xfffffff) >> 12;
	return hash % HPT_GROUPS;
}

#define R_C     0x190			/* R, C, and M of WIMG */
#define PP_RW   2
#define PP_RO   3
#define NOEXEC  4

static u64 slots[256];			/* where each page went, by number in its range */

static u64 *slot_of(u64 ea)
{
	u64 range = ea >= STACK ? 3 : (ea >> 28) - 1;
	return &slots[self() * 128 + range * 32 + (ea >> 12) % 32];
}

static void enter(u64 ea, u64 ra, u64 flags)
{
	struct cpu *c = &cpus[self()];
	long slot = hcall_result(H_ENTER, 0, group(ea) * 8, avpn(ea) | 1, ra | R_C | flags);
	if (slot < 0)
		die("H_ENTER failed: ", -slot);
	*slot_of(ea) = slot;
	c->entered++;
}

static void fault(u64 ea, int fetch)
{
	struct cpu *c = &cpus[self()];
	ea &= ~0xffful;
	if (ea >= TEXT && ea < TEXT + (u64)(user_end - user_start))
		enter(ea, (u64)user_start + (ea - TEXT), PP_RO);
	else if (fetch)
		die("fetch from no program at ", ea);
	else if (ea == COMMON)
		enter(ea, SHARED, PP_RW | NOEXEC);
	else if ((ea >= DATA && ea < DATA + 0x10000) || ea >> 16 == STACK >> 16)
		enter(ea, FRAMES + self() * 0x40000 + c->frames++ * 4096, PP_RW | NOEXEC);
	else
		die("no memory at ", ea);
}

static void data_storage(void)
{
	struct cpu *c = &cpus[self()];
	u64 dar, dsisr;
	asm volatile("mfdar %0" : "=r"(dar));
	asm volatile("mfdsisr %0" : "=r"(dsisr));
	c->dsi++;
	if (dsisr & 0x08000000) {	/* protection: a page that was locked */
		c->locked++;
		if (hcall(H_PROTECT, H_AVPN | PP_RW | NOEXEC, *slot_of(dar), avpn(dar), 0) != 0)
			die("H_PROTECT failed at ", dar);
	} else {
		fault(dar, 0);
	}
}

/* The page goes from the table and from all TLBs. H_REMOVE flushes what it
 * removes; tlbie is here for show, as a kernel without hypervisor does it. */
static void drop(u64 ea)
{
	if (hcall(H_REMOVE, H_AVPN, *slot_of(ea), avpn(ea), 0) != 0)
		die("H_REMOVE failed at ", ea);
	u64 rb = (vsid(ea) << 28 | (ea & 0xfffffff)) & ~0xffful;
	asm volatile("ptesync; tlbie %0, %1; eieio; tlbsync; ptesync" : : "r"(rb), "r"(0));
}

static void count(const char *what, u64 n)
{
	put(what);
	put_number(n);
}

static void system_call(struct frame *f)
{
	struct cpu *c = &cpus[self()];
	u64 arg = f->r3_12[0];
	c->syscalls++;
	switch (f->r0) {
	case SYS_PRINT:			/* text of the program, in real mode here */
		put(user_start + (arg - TEXT));
		break;
	case SYS_NUMBER:
		put_number(arg);
		break;
	case SYS_DROP:
		drop(arg);
		break;
	case SYS_LOCK:
		if (hcall(H_PROTECT, H_AVPN | PP_RO | NOEXEC, *slot_of(arg), avpn(arg), 0) != 0)
			die("H_PROTECT failed at ", arg);
		break;
	case SYS_EXIT:
		count("  kernel: DSI ", c->dsi);
		count(", ISI ", c->isi);
		count(", data segment ", c->dseg);
		count(", instruction segment ", c->iseg);
		count(", system calls ", c->syscalls);
		count(", H_ENTER ", c->entered);
		count(", stores to locked pages ", c->locked);
		put("\n");
		stop();
	}
}

void interrupt(u64 vector, struct frame *f)
{
	struct cpu *c = &cpus[self()];
	u64 dar;
	asm volatile("mfdar %0" : "=r"(dar));
	switch (vector) {
	case 0x300:
		data_storage();
		break;
	case 0x380:
		c->dseg++;
		segment(dar);
		break;
	case 0x400:
		c->isi++;
		fault(f->srr0, 1);
		break;
	case 0x480:
		c->iseg++;
		segment(f->srr0);
		break;
	case 0xc00:
		system_call(f);
		break;
	default:
		die("unexpected interrupt ", vector);
	}
}

u64 boot(void)
{
	return STACK + 0x8000;
}
