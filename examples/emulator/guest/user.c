/* The user program: it runs in problem state, with translation on. */
#include "guest.h"

static void syscall(u64 number, u64 arg)
{
	register u64 r0 asm("r0") = number;
	register u64 r3 asm("r3") = arg;
	asm volatile("sc" : "+r"(r0), "+r"(r3) : : "memory", "cr0", "r4", "r5", "r6", "r7", "r8",
		     "r9", "r10", "r11", "r12", "ctr");
}

static void say(const char *text, u64 value)
{
	syscall(SYS_PRINT, (u64)text);
	syscall(SYS_NUMBER, value);
	syscall(SYS_PRINT, (u64)"\n");
}

/* How many primes are there below n? The sieve lies in n bytes of memory. */
static u64 primes(volatile char *sieve, u64 n)
{
	u64 found = 0;
	for (u64 i = 2; i < n; i++) {
		if (sieve[i])
			continue;
		found++;
		for (u64 j = i * i; j < n; j += i)
			sieve[j] = 1;
	}
	return found;
}

static void add_one(volatile u64 *p)
{
	u64 v;
	asm volatile("1: ldarx %0, 0, %1; addi %0, %0, 1; stdcx. %0, 0, %1; bne- 1b"
		     : "=&r"(v) : "r"(p) : "memory", "cr0");
}

void user_main(void)
{
	volatile char *data = (volatile char *)DATA;
	volatile u64 *common = (volatile u64 *)COMMON;

	say("  primes below 65536: ", primes(data, 0x10000));
	for (u64 page = 0; page < 16; page++)
		syscall(SYS_LOCK, DATA + page * 4096);
	u64 sum = 0;
	for (u64 i = 0; i < 0x10000; i += 512)
		sum += data[i]++;
	say("  marks counted before the lock went: ", sum);
	for (u64 page = 0; page < 16; page += 2)
		syscall(SYS_DROP, DATA + page * 4096);
	sum = 0;
	for (u64 i = 0; i < 0x10000; i += 512)
		sum += data[i];
	say("  marks left when every second page was dropped: ", sum);
	for (int i = 0; i < 1000; i++)
		add_one(common);
	syscall(SYS_EXIT, 0);
}
