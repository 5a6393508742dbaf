//go:build amd64 && !race && !purego && !explore

#include "textflag.h"

// Memory order. On amd64 a load is an acquire and a LOCK instruction a full
// fence, so both functions are at least as strong as sync/atomic, with which
// the scan of a group mixes freely.

// func load16(p *slot) (v, r uint64)
TEXT ·load16(SB), NOSPLIT, $0-24
	MOVQ    p+0(FP), DI
	VMOVDQA (DI), X0
	VMOVQ   X0, AX
	VPEXTRQ $1, X0, DX
	BSWAPQ  AX
	BSWAPQ  DX
	MOVQ    AX, v+8(FP)
	MOVQ    DX, r+16(FP)
	RET

// func cas16(p *slot, oldV, oldR, newV, newR uint64) (ok bool)
TEXT ·cas16(SB), NOSPLIT, $0-41
	MOVQ   p+0(FP), DI
	MOVQ   oldV+8(FP), AX
	MOVQ   oldR+16(FP), DX
	MOVQ   newV+24(FP), BX
	MOVQ   newR+32(FP), CX
	BSWAPQ AX
	BSWAPQ DX
	BSWAPQ BX
	BSWAPQ CX
	LOCK
	CMPXCHG16B (DI)
	SETEQ  ok+40(FP)
	RET
