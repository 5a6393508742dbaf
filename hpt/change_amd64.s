//go:build amd64 && !race && !purego && !explore

#include "textflag.h"

// Changing the entry in one slot, the whole of Invalidate, Protect and
// MarkAccess.
//
// Memory order. The pair comes from one 16-byte load, then from the failing
// LOCK CMPXCHG16B itself, which leaves what it saw in DX:AX. It writes the new
// pair only over that very pair, so a slot that was reused meanwhile is compared
// again (H5), and no R or C that anyone set gets lost (H7). The LOCK is a full
// fence: what the caller did before is visible before the change.

// func change(p *slot, want, keepV, keepR, setR uint64) (v, r uint64, ok bool)
//
// When V matches want, it becomes V&keepV and R becomes R&keepR|setR. v and r are
// the pair before.
TEXT ·change(SB), NOSPLIT, $0-57
	MOVQ    p+0(FP), DI
	MOVQ    want+8(FP), SI
	MOVQ    keepV+16(FP), R8
	MOVQ    keepR+24(FP), R9
	MOVQ    setR+32(FP), R10
	MOVQ    $0x83ffffffffffffff, R11 // VMatch as it lies in memory
	BSWAPQ  SI
	BSWAPQ  R8
	BSWAPQ  R9
	BSWAPQ  R10
	VMOVDQA (DI), X0
	VMOVQ   X0, AX
	VPEXTRQ $1, X0, DX

look:
	MOVQ AX, R12
	ANDQ R11, R12
	CMPQ R12, SI
	JNE  stale
	MOVQ AX, BX
	ANDQ R8, BX
	MOVQ DX, CX
	ANDQ R9, CX
	ORQ  R10, CX
	MOVQ BX, R12
	MOVQ CX, R13
	XORQ AX, R12
	XORQ DX, R13
	ORQ  R13, R12
	JZ   done                // nothing to change
	LOCK
	CMPXCHG16B (DI)
	JNE  look

done:
	BSWAPQ AX
	BSWAPQ DX
	MOVQ   AX, v+40(FP)
	MOVQ   DX, r+48(FP)
	MOVB   $1, ok+56(FP)
	RET

stale:
	XORL AX, AX
	MOVQ AX, v+40(FP)
	MOVQ AX, r+48(FP)
	MOVB AX, ok+56(FP)
	RET
