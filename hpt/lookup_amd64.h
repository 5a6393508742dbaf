// Searching: a scan of a group, and the whole of Lookup.
//
// Memory order. The loads of a scan come before the load of the pair and before
// that of the overflow bit, as on amd64 loads are not reordered with loads; each
// is an acquire. What a scan saw may have changed since, so a hit is what one
// aligned 16-byte load has, which both makers promise to be atomic on processors
// with AVX (H2). How the overflow bit makes a miss true is said in overflow.go.

// func scan(t *Table, group *slot, want, mask uint64) (hits, free uint32)
TEXT ·scan(SB), NOSPLIT, $0-40
	MOVQ group+8(FP), DI
	MOVQ want+16(FP), AX
	MOVQ mask+24(FP), BX
	ANDQ BX, AX
	SCAN(DI, AX, BX, CX, DX, R8)
	MOVL CX, hits+32(FP)
	MOVL DX, free+36(FP)
	DONE
	RET

// EXAMINE loads the first slot of hits into X2, at one instant, and jumps when V
// is not want. index is the slot's; tmp is lost. mask is MATCH.
#define EXAMINE(group, hits, want, mask, index, tmp, changed) \
	TZCNTL  hits, index;       \
	MOVL    index, tmp;        \
	SHLL    $4, tmp;           \
	VMOVDQA (group)(tmp*1), X2; \
	VMOVQ   X2, tmp;           \
	XORQ    want, tmp;         \
	TESTQ   mask, tmp;         \
	JNE     changed

// OVERFLOWED puts into the carry whether the key may be in the secondary group.
// Without a bitmap it jumps. bits and tmp are lost.
#define OVERFLOWED(table, hash, bits, tmp, unknown) \
	MOVQ  Table_overflow(table), bits; \
	TESTQ bits, bits;                  \
	JZ    unknown;                     \
	ANDQ  Table_mask(table), hash;     \
	MOVQ  hash, tmp;                   \
	SHRQ  $6, tmp;                     \
	MOVQ  (bits)(tmp*8), bits;         \
	BTQ   hash, bits

// find is where lookup and search go on, whose results are v, r and hint. DI is the
// table, AX the hash, BX V of the entry in its primary group.
TEXT ·find(SB), NOSPLIT, $0-48
	BSWAPQ BX
	MOVQ   $MATCH, SI
	MOVL   $HASHED, CX
	PREPARE(R9)
	UNDER(match<>(SB))

group:
	MOVQ  AX, R8
	GROUP(DI, R8)
	NEEDLE(BX, R9)
	MATCHES(R8, R10)
	TESTL R10, R10
	JZ    missed

candidate:
	EXAMINE(R8, R10, BX, SI, R11, R12, changed)
	REVERSED
	ORL     CX, R11
	VMOVDQU X2, v+24(FP)
	MOVQ    R11, hint+40(FP)
	DONE
	RET

changed:
	BLSRL R10, R10
	JNZ   candidate

missed:
	TESTL $IN_SECONDARY, CX
	JNZ   none
	OVERFLOWED(DI, AX, R11, R12, secondary)
	JCC   none

secondary:
	NOTQ AX
	MOVQ $SECONDARY, R11
	ORQ  R11, BX
	ORL  $IN_SECONDARY, CX
	JMP  group

none:
	VPXOR   X2, X2, X2
	VMOVDQU X2, v+24(FP)
	MOVQ    $0, hint+40(FP)
	DONE
	RET
