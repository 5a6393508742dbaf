// The scan of a group, for AVX2, or for AVX-512 where AVX512 is defined. What is
// needed of the eight words V comes out of 128 bytes, is compared at once, and becomes
// one bit for each slot, slot 0 first. Vector loads of more than 16 bytes promise
// nothing about what they see together, so a scan nominates slots, and whoever uses
// one reads it again.
//
// The needle is in memory's byte order, and the same is true of the mask; nothing
// of the table is ever swapped.
//
// Whole operations use UNDER, NEEDLE, MATCHES, FREE. With AVX2 these look at the low
// half of V alone: it is half the work to gather, and has the bits in which entries
// of one group differ, all but the top of the VSID and B. Registers: Y0 or
// Z16 needle, Y1 or Z17 mask; Y2 to Y5, or Z18 and Z19 and K1 to K3, are lost. AVX2
// keeps the order of the slots in Y6, AVX-512 constants in Z20 and R15.

#include "go_asm.h"
#include "textflag.h"

// Bits of V as they lie in memory.
#define VALID 0x0100000000000000
#define VALID_BIT 56
#define SECONDARY 0x0200000000000000
#define TENTATIVE 0x60000000000000c0

DATA matchWord<>+0(SB)/8, $MATCH
GLOBL matchWord<>(SB), RODATA|NOPTR, $8

// Masks for UNDER: of matches, of matches in either group, and of AVPN alone.

#ifdef AVX512

DATA match<>+0(SB)/8, $0x83ffffffffffffff
GLOBL match<>(SB), RODATA|NOPTR, $8
DATA matchEither<>+0(SB)/8, $0x81ffffffffffffff
GLOBL matchEither<>(SB), RODATA|NOPTR, $8
DATA avpn<>+0(SB)/8, $0x80ffffffffffff3f
GLOBL avpn<>(SB), RODATA|NOPTR, $8

// PREPARE makes the scans of a function ready; tmp is lost.
#define PREPARE(tmp) \
	MOVQ         $VALID, tmp; \
	VPBROADCASTQ tmp, Z20;    \
	MOVL         $0x5555, R15

// UNDER makes a mask that of the scans from here on, and NEEDLE what they look
// for; tmp is lost.
#define UNDER(mask) VPBROADCASTQ mask, Z17
#define NEEDLE(word, tmp) VPBROADCASTQ word, Z16

// MATCHES gives the slots of the group whose V is the needle. Lanes of R are
// dropped at the end.
#define MATCHES(group, hits) \
	VPANDQ     (group), Z17, Z18;   \
	VPANDQ     64(group), Z17, Z19; \
	VPCMPEQQ   Z16, Z18, K1;        \
	VPCMPEQQ   Z16, Z19, K2;        \
	KUNPCKBW   K1, K2, K3;          \
	KMOVW      K3, hits;            \
	PEXTL      R15, hits, hits

// FREE gives the slots of the group that hold no valid entry. FREE_TOO does for
// the group that MATCHES has just read.
#define FREE(group, free) \
	VPTESTNMQ (group), Z20, K1;   \
	VPTESTNMQ 64(group), Z20, K2; \
	KUNPCKBW  K1, K2, K3;         \
	KMOVW     K3, free;           \
	PEXTL     R15, free, free
#define FREE_TOO(group, free) FREE(group, free)

// SCAN is MATCHES for whole words under any mask, and FREE_TOO.
#define SCAN(group, want, mask, hits, free, tmp) \
	PREPARE(tmp);               \
	VPBROADCASTQ mask, Z17;     \
	VPBROADCASTQ want, Z16;     \
	MATCHES(group, hits);       \
	FREE(group, free)

// DONE comes before a return. Only registers from 16 on were used, so there is
// nothing to clean.
#define DONE

#else

DATA match<>+0(SB)/8, $0x83ffffff83ffffff
DATA match<>+8(SB)/8, $0x83ffffff83ffffff
DATA match<>+16(SB)/8, $0x83ffffff83ffffff
DATA match<>+24(SB)/8, $0x83ffffff83ffffff
GLOBL match<>(SB), RODATA|NOPTR, $32
DATA matchEither<>+0(SB)/8, $0x81ffffff81ffffff
DATA matchEither<>+8(SB)/8, $0x81ffffff81ffffff
DATA matchEither<>+16(SB)/8, $0x81ffffff81ffffff
DATA matchEither<>+24(SB)/8, $0x81ffffff81ffffff
GLOBL matchEither<>(SB), RODATA|NOPTR, $32
DATA avpn<>+0(SB)/8, $0x80ffffff80ffffff
DATA avpn<>+8(SB)/8, $0x80ffffff80ffffff
DATA avpn<>+16(SB)/8, $0x80ffffff80ffffff
DATA avpn<>+24(SB)/8, $0x80ffffff80ffffff
GLOBL avpn<>(SB), RODATA|NOPTR, $32

// Where LOWS leaves slots 0 to 7.
DATA order<>+0(SB)/8, $0x0000000400000000
DATA order<>+8(SB)/8, $0x0000000500000001
DATA order<>+16(SB)/8, $0x0000000600000002
DATA order<>+24(SB)/8, $0x0000000700000003
GLOBL order<>(SB), RODATA|NOPTR, $32

#define PREPARE(tmp) VMOVDQU order<>(SB), Y6
#define UNDER(mask) VMOVDQU mask, Y1
#define NEEDLE(word, tmp) \
	RORXQ        $32, word, tmp; \
	VMOVD        tmp, X0;        \
	VPBROADCASTD X0, Y0

// LOWS puts the low halves of V of the slots into Y2, in order.
#define LOWS(group) \
	VMOVDQA (group), Y2;                 \
	VMOVDQA 64(group), Y4;               \
	VSHUFPS $0x55, 32(group), Y2, Y2;    \
	VSHUFPS $0x55, 96(group), Y4, Y4;    \
	VSHUFPS $0x88, Y4, Y2, Y2;           \
	VPERMD  Y2, Y6, Y2

#define MATCHES(group, hits) \
	LOWS(group);             \
	VPAND     Y1, Y2, Y3;    \
	VPCMPEQD  Y0, Y3, Y3;    \
	VMOVMSKPS Y3, hits

// The bit V is brought to the sign.
#define FREE(group, free) \
	LOWS(group);            \
	FREE_TOO(group, free)
#define FREE_TOO(group, free) \
	VPSLLD    $7, Y2, Y3;   \
	VMOVMSKPS Y3, free;     \
	XORL      $0xff, free

// WORDS puts V of slots 0 1 4 5 into Y2 and of slots 2 3 6 7 into Y4, so that one
// more packing within 128 bits leaves them in order.
#define WORDS(group) \
	VMOVDQA     (group), X2;               \
	VMOVDQA     16(group), X3;             \
	VMOVDQA     32(group), X4;             \
	VMOVDQA     48(group), X5;             \
	VINSERTI128 $1, 64(group), Y2, Y2;     \
	VINSERTI128 $1, 80(group), Y3, Y3;     \
	VINSERTI128 $1, 96(group), Y4, Y4;     \
	VINSERTI128 $1, 112(group), Y5, Y5;    \
	VPUNPCKLQDQ Y3, Y2, Y2;                \
	VPUNPCKLQDQ Y5, Y4, Y4

#define SCAN(group, want, mask, hits, free, tmp) \
	VMOVQ        want, X0;       \
	VPBROADCASTQ X0, Y0;         \
	VMOVQ        mask, X1;       \
	VPBROADCASTQ X1, Y1;         \
	WORDS(group);                \
	VPAND     Y1, Y2, Y3;        \
	VPAND     Y1, Y4, Y5;        \
	VPCMPEQQ  Y0, Y3, Y3;        \
	VPCMPEQQ  Y0, Y5, Y5;        \
	VPACKSSDW Y5, Y3, Y3;        \
	VMOVMSKPS Y3, hits;          \
	VSHUFPS   $0xdd, Y4, Y2, Y2; \
	FREE_TOO(group, free)

#define DONE VZEROUPPER

#endif

// REVERSED puts the bytes of both words of X2 into the processor's order.
DATA reverse<>+0(SB)/8, $0x0001020304050607
DATA reverse<>+8(SB)/8, $0x08090a0b0c0d0e0f
GLOBL reverse<>(SB), RODATA|NOPTR, $16
#define REVERSED VPSHUFB reverse<>(SB), X2, X2
