/* What the guest's kernel and its user program agree on. */
typedef unsigned long u64;

/* Real memory: the kernel and its vectors below 1M, then page frames. */
#define FRAMES   0x100000ul		/* per vCPU: 64 frames of 4K */
#define SHARED   0x080000ul		/* one frame that both vCPUs map */

/* Effective addresses of the user program. */
#define TEXT     0x10000000ul		/* where the kernel maps the program */
#define DATA     0x20000000ul		/* 16 pages, given out when touched */
#define COMMON   0x30000000ul		/* the shared frame */
#define STACK    0x7ffffff0000ul	/* in a 1T segment */

/* System calls: number in r0, argument in r3. */
#define SYS_EXIT   0
#define SYS_PRINT  1			/* text */
#define SYS_NUMBER 2
#define SYS_DROP   3			/* forget the page at this address */
#define SYS_LOCK   4			/* make the page at this address read-only */
