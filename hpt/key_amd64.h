// What the assembly has to know of keys, hints and tables: how pte.Key, pte.Ref and
// pte.SlotHint lie, which vector_amd64.go pins, and the arithmetic from them to
// addresses. Shifts take their counts modulo 64, as pte.PageSize.Shift does.

#define KEY_VSID 0
#define KEY_PAGE 8
#define KEY_BASE 12
#define KEY_SEG 13
#define KEY_BYTES 16
#define HASHED 16      // of a hint
#define IN_SECONDARY 8 // of a hint
#define MATCH 0x83ffffffffffffff // pte.VMatch as it lies in memory
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

// Keys of 4K pages in 256M segments, the usual ones, cost least: KEY is HASH and WANT
// for them, KEY_HASH is HASH at an offset from key, and both jump to other for the rest.
// tmp is lost.
#define KEY(key, hash, want, tmp, other) \
	CMPB KEY_BASE(key), $12;      \
	JNE  other;                   \
	CMPB KEY_SEG(key), $0;        \
	JNE  other;                   \
	MOVQ KEY_VSID(key), want;     \
	MOVL KEY_PAGE(key), hash;     \
	MOVL hash, tmp;               \
	XORQ want, hash;              \
	SHRL $11, tmp;                \
	SHLL $7, tmp;                 \
	SHLQ $12, want;               \
	ORQ  tmp, want;               \
	ORQ  $1, want
#define KEY_HASH(offset, key, hash, other) \
	CMPB (offset+KEY_BASE)(key), $12; \
	JNE  other;                       \
	CMPB (offset+KEY_SEG)(key), $0;   \
	JNE  other;                       \
	MOVL (offset+KEY_PAGE)(key), hash; \
	XORQ (offset+KEY_VSID)(key), hash

// GROUP makes a hash the address of its primary group.
#define GROUP(table, hash) \
	ANDQ Table_mask(table), hash; \
	SHLQ $7, hash;                \
	ADDQ Table_slots(table), hash

// PLACE makes a hash the address of the slot that a hint names, and puts H into
// want. hint and tmp are lost.
#define PLACE(table, hash, hint, tmp, want) \
	MOVL hint, tmp;                \
	ANDL $IN_SECONDARY, tmp;       \
	NEGQ tmp;                      \
	SARQ $3, tmp;                  \
	XORQ tmp, hash;                \
	ANDL $2, tmp;                  \
	ORQ  tmp, want;                \
	ANDQ Table_mask(table), hash;  \
	SHLQ $3, hash;                 \
	ANDL $7, hint;                 \
	ORQ  hint, hash;               \
	SHLQ $4, hash;                 \
	ADDQ Table_slots(table), hash

// MARK marks the group of an address in the log of dirty groups, if there is one. It
// comes after the change. address and log are lost.
#define MARK(table, address, log, clean) \
	MOVQ  Table_dirty(table), log;      \
	TESTQ log, log;                     \
	JZ    clean;                        \
	SUBQ  Table_slots(table), address;  \
	SHRQ  $7, address;                  \
	MOVQ  DirtyLog_words(log), log;     \
	LOCK;                               \
	BTSQ  address, (log);               \
clean:

// PREFETCHW and PREFETCHW64 fetch the lines at R8 and 64 bytes on, in order to
// write them. The assembler has no name for it; a processor without it does
// nothing.
#define PREFETCHW \
	BYTE $0x41; BYTE $0x0f; BYTE $0x0d; BYTE $0x08
#define PREFETCHW64 \
	BYTE $0x41; BYTE $0x0f; BYTE $0x0d; BYTE $0x48; BYTE $0x40
