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
	PREPARE
	VALIDS(R8)
	UNDER(BX)
	NEEDLE(AX)
	MATCHES(DI, CX)
	FREE(DI, DX)
	MOVL CX, hits+32(FP)
	MOVL DX, free+36(FP)
	DONE
	RET

// func lookup(t *Table, hash, want uint64) (v, r, hint uint64)
//
// want is V of the entry in its primary group, as memory has it.
TEXT ·lookup(SB), NOSPLIT, $0-48
	MOVQ t+0(FP), DI
	MOVQ hash+8(FP), AX
	MOVQ want+16(FP), BX
	MOVQ $MATCH, SI
	MOVL $HASHED, CX
	PREPARE
	UNDER(SI)

group:
	ANDQ  Table_mask(DI), AX
	MOVQ  AX, R8
	SHLQ  $7, R8
	ADDQ  Table_slots(DI), R8
	NEEDLE(BX)
	MATCHES(R8, R10)
	TESTL R10, R10
	JZ    missed

candidate:
	TZCNTL R10, R11
	MOVL   R11, R12
	SHLL   $4, R12
	RELOAD((R8)(R12*1), R13)
	CMPQ   R13, BX
	JNE    changed
	VMOVQ   X2, R12
	VPEXTRQ $1, X2, R13
	BSWAPQ R12
	BSWAPQ R13
	ORL    CX, R11
	MOVQ   R12, v+24(FP)
	MOVQ   R13, r+32(FP)
	MOVQ   R11, hint+40(FP)
	DONE
	RET

changed:
	BLSRL R10, R10
	JNZ   candidate

missed:
	TESTL $IN_SECONDARY, CX
	JNZ   none
	MOVQ  Table_overflow(DI), R11
	TESTQ R11, R11
	JZ    secondary
	MOVQ  AX, R12
	SHRQ  $6, R12
	MOVQ  (R11)(R12*8), R12
	BTQ   AX, R12
	JCC   none

secondary:
	NOTQ AX
	MOVQ $SECONDARY, R11
	ORQ  R11, BX
	ORL  $IN_SECONDARY, CX
	JMP  group

none:
	XORL R12, R12
	MOVQ R12, v+24(FP)
	MOVQ R12, r+32(FP)
	MOVQ R12, hint+40(FP)
	DONE
	RET
