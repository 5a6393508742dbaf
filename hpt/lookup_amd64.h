// Searching: a scan of a group, and the whole of Lookup.
//
// Memory order. The loads of a scan come before the load of the pair and before
// that of the overflow bit, as on amd64 loads are not reordered with loads; each
// is an acquire. What a scan saw may have changed since, so a hit is what one
// aligned 16-byte load has, which both makers promise to be atomic on processors
// with AVX (H2). How the overflow bit makes a miss true is said in overflow.go.

// func scan(p *slot, want, mask uint64) (hits, free uint32)
TEXT ·scan(SB), NOSPLIT, $0-32
	MOVQ p+0(FP), DI
	MOVQ want+8(FP), AX
	MOVQ mask+16(FP), BX
	ANDQ BX, AX
	PREPARE
	VALIDS(R8)
	UNDER(BX)
	NEEDLE(AX)
	MATCHES(DI, CX)
	FREE(DI, DX)
	MOVL CX, hits+24(FP)
	MOVL DX, free+28(FP)
	DONE
	RET

// func lookup(t *Table, hash, want uint64) (v, r, place uint64)
//
// want is V of the entry in its primary group. place is 0 to 15, primary slots
// first, or noPlace.
TEXT ·lookup(SB), NOSPLIT, $0-48
	MOVQ t+0(FP), DI
	MOVQ hash+8(FP), AX
	MOVQ want+16(FP), BX
	MOVQ $MATCH, SI
	XORL CX, CX
	PREPARE
	UNDER(SI)

group:
	ANDQ   Table_mask(DI), AX
	MOVQ   AX, R8
	SHLQ   $7, R8
	ADDQ   Table_slots(DI), R8
	MOVQ   BX, R9
	BSWAPQ R9
	ANDQ   SI, R9
	NEEDLE(R9)
	MATCHES(R8, R10)
	TESTL  R10, R10
	JZ     missed

candidate:
	TZCNTL  R10, R11
	MOVL    R11, R12
	SHLL    $4, R12
	RELOAD((R8)(R12*1), R13)
	CMPQ    R13, R9
	JNE     changed
	VMOVQ   X2, R12
	VPEXTRQ $1, X2, R13
	BSWAPQ  R12
	BSWAPQ  R13
	ADDL    CX, R11
	MOVQ    R12, v+24(FP)
	MOVQ    R13, r+32(FP)
	MOVQ    R11, place+40(FP)
	DONE
	RET

changed:
	BLSRL R10, R10
	JNZ   candidate

missed:
	TESTL CX, CX
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
	ORQ  $SECONDARY, BX
	MOVL $8, CX
	JMP  group

none:
	XORL R12, R12
	MOVQ R12, v+24(FP)
	MOVQ R12, r+32(FP)
	MOVQ $const_noPlace, R12
	MOVQ R12, place+40(FP)
	DONE
	RET
