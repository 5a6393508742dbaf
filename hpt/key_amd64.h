// What the assembly has to know of pte.Key, pte.Ref and pte.SlotHint: how they lie, which vector_amd64.go
// pins, and the arithmetic of a key. Shifts take their counts modulo 64, as
// pte.PageSize.Shift does.

#define KEY_VSID 0
#define KEY_PAGE 8
#define KEY_BASE 12
#define KEY_SEG 13
#define KEY_BYTES 16
#define HASHED 16      // of a hint
#define IN_SECONDARY 8 // of a hint
#define REF_HINT 17
#define REF_BYTES 24

// HASH is Key.Hash, of which more than the table's mask may be left in.
#define HASH(key, hash, tmp, zero) \
	MOVBLZX KEY_BASE(key), tmp;   \
	SUBL    $12, tmp;             \
	MOVL    KEY_PAGE(key), hash;  \
	SHRXQ   tmp, hash, hash;      \
	MOVQ    KEY_VSID(key), tmp;   \
	XORQ    tmp, hash;            \
	SHLQ    $25, tmp;             \
	XORL    zero, zero;           \
	CMPB    KEY_SEG(key), $1;     \
	CMOVQNE zero, tmp;            \
	XORQ    tmp, hash

// WANT is Key.AVPN with V.
#define WANT(key, want, tmp, shift) \
	MOVL    $24, tmp;             \
	MOVL    $12, shift;           \
	MOVBLZX KEY_SEG(key), want;   \
	TESTL   want, want;           \
	CMOVLNE tmp, shift;           \
	SHLQ    $62, want;            \
	MOVQ    KEY_VSID(key), tmp;   \
	SHLXQ   shift, tmp, tmp;      \
	ORQ     tmp, want;            \
	MOVL    KEY_PAGE(key), tmp;   \
	SHRL    $11, tmp;             \
	SHLQ    $7, tmp;              \
	ORQ     tmp, want;            \
	ORQ     $1, want
