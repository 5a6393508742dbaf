// The scan of a group, for AVX2, or for AVX-512 where AVX512 is defined. Eight
// words V come out of 128 bytes, are compared at once, and become one bit for each
// slot, slot 0 first. Vector loads of more than 16 bytes promise nothing about
// what they see together, so a scan nominates slots, and whoever uses one reads it
// again.
//
// The needle is in memory's byte order, and the same is true of the mask; nothing
// of the table is ever swapped.
//
// Registers: Y0 or Z16 needle, Y1 or Z17 mask; Y2 to Y5, or Z18 and Z19 and K1 to
// K3, are lost. AVX-512 keeps a constant in Z20 and one in R15.

#include "go_asm.h"
#include "textflag.h"

// Bits of V as they lie in memory.
#define VALID 0x0100000000000000
#define VALID_BIT 56
#define SECONDARY 0x0200000000000000
#define MATCH 0x83ffffffffffffff    // B, AVPN, H, V
#define MATCH_V 0x81ffffffffffffff  // B, AVPN, V
#define AVPN 0x80ffffffffffff3f     // AVPN alone
#define TENTATIVE 0x60000000000000c0


#ifdef AVX512

// PREPARE makes the scans of a function ready.
#define PREPARE \
	MOVL $0x5555, R15

// UNDER makes a mask that of the scans from here on, and NEEDLE what they look
// for.
#define UNDER(mask) VPBROADCASTQ mask, Z17
#define NEEDLE(word) VPBROADCASTQ word, Z16

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

// RELOAD reads V and R of a slot into X2 at one instant, and gives V under the
// mask.
#define RELOAD(at, v) \
	VMOVDQA at, X2;       \
	VPANDQ  X17, X2, X3;  \
	VMOVQ   X3, v

// VALIDS broadcasts VALID for FREE; tmp is lost.
#define VALIDS(tmp) \
	MOVQ         $VALID, tmp; \
	VPBROADCASTQ tmp, Z20

// FREE gives the slots of the group that hold no valid entry.
#define FREE(group, free) \
	VPTESTNMQ (group), Z20, K1;   \
	VPTESTNMQ 64(group), Z20, K2; \
	KUNPCKBW  K1, K2, K3;         \
	KMOVW     K3, free;           \
	PEXTL     R15, free, free

// DONE comes before a return. Only registers from 16 on were used, so there is
// nothing to clean.
#define DONE

#else

#define PREPARE

#define UNDER(mask) \
	VMOVQ        mask, X1; \
	VPBROADCASTQ X1, Y1

#define NEEDLE(word) \
	VMOVQ        word, X0; \
	VPBROADCASTQ X0, Y0

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

#define MATCHES(group, hits) \
	WORDS(group);               \
	VPAND     Y1, Y2, Y2;       \
	VPAND     Y1, Y4, Y4;       \
	VPCMPEQQ  Y0, Y2, Y2;       \
	VPCMPEQQ  Y0, Y4, Y4;       \
	VPACKSSDW Y4, Y2, Y2;       \
	VMOVMSKPS Y2, hits

#define RELOAD(at, v) \
	VMOVDQA at, X2;    \
	VPAND   X1, X2, X3; \
	VMOVQ   X3, v

#define VALIDS(tmp)

// The bit V is brought to the sign of a 32-bit lane.
#define FREE(group, free) \
	WORDS(group);              \
	VSHUFPS   $0xdd, Y4, Y2, Y2; \
	VPSLLD    $7, Y2, Y2;      \
	VMOVMSKPS Y2, free;        \
	XORL      $0xff, free

#define DONE VZEROUPPER

#endif
