//go:build amd64 && !race && !purego && !explore

#include "go_asm.h"
#include "textflag.h"
#include "key_amd64.h"

// Changing the entry that a hint names, the whole of Invalidate, Protect and
// MarkAccess.
//
// Memory order. The pair comes from one 16-byte load, then from the failing
// LOCK CMPXCHG16B itself, which leaves what it saw in DX:AX. It writes the new
// pair only over that very pair, so a slot that was reused meanwhile is compared
// again (H5), and no R or C that anyone set gets lost (H7). The LOCK is a full
// fence: what the caller did before is visible before the change.

// NAMED is for the arguments that both functions have. DI becomes the table, R9 the
// slot's address, SI what V has to match under R8, as memory has it, and DX:AX the pair
// in the slot. BX and CX are lost.
#define NAMED(other, named) \
	MOVQ    t+0(FP), DI;         \
	LEAQ    ref_Key_VSID+8(FP), SI; \
	MOVQ    $MATCH, R8;          \
	MOVBLZX ref_Hint+25(FP), CX; \
	KEY(SI, R9, BX, AX, other);  \
named:                               \
	PLACE(DI, R9, CX, AX, BX);   \
	MOVQ    BX, SI;              \
	BSWAPQ  SI;                  \
	VMOVDQA (R9), X0;            \
	VMOVQ   X0, AX;              \
	VPEXTRQ $1, X0, DX

// func remove(t *Table, ref pte.Ref) (v, r uint64, ok bool)
//
// The slot becomes zero when it has the entry that ref names. v and r are the pair
// before.
TEXT ·remove(SB), NOSPLIT, $0-49
	NAMED(other, named)
	XORL BX, BX
	XORL CX, CX

look:
	MOVQ  AX, R10
	XORQ  SI, R10
	TESTQ R8, R10
	JNE   stale
	LOCK
	CMPXCHG16B (R9)
	JNE    look
	MARK(DI, R9, R10, clean)

	BSWAPQ AX
	BSWAPQ DX
	MOVQ   AX, v+32(FP)
	MOVQ   DX, r+40(FP)
	MOVB   $1, ok+48(FP)
	RET

stale:
	XORL AX, AX
	MOVQ AX, v+32(FP)
	MOVQ AX, r+40(FP)
	MOVB AX, ok+48(FP)
	RET

other:
	HASH(SI, R9, AX, DX)
	WANT(SI, BX, AX, DX)
	JMP named

// func change(t *Table, ref pte.Ref, keepR, setR uint64) (v, r uint64, ok bool)
//
// R of the entry that ref names becomes R&keepR|setR. v and r are the pair before.
TEXT ·change(SB), NOSPLIT, $0-65
	NAMED(other, named)
	MOVQ   keepR+32(FP), R10
	MOVQ   setR+40(FP), R11
	BSWAPQ R10
	BSWAPQ R11

look:
	MOVQ  AX, R12
	XORQ  SI, R12
	TESTQ R8, R12
	JNE   stale
	MOVQ  AX, BX
	MOVQ  DX, CX
	ANDQ  R10, CX
	ORQ   R11, CX
	CMPQ  CX, DX
	JEQ   done                // nothing to change
	LOCK
	CMPXCHG16B (R9)
	JNE   look
	MARK(DI, R9, R10, done)

	BSWAPQ AX
	BSWAPQ DX
	MOVQ   AX, v+48(FP)
	MOVQ   DX, r+56(FP)
	MOVB   $1, ok+64(FP)
	RET

stale:
	XORL AX, AX
	MOVQ AX, v+48(FP)
	MOVQ AX, r+56(FP)
	MOVB AX, ok+64(FP)
	RET

other:
	HASH(SI, R9, AX, DX)
	WANT(SI, BX, AX, DX)
	JMP named
