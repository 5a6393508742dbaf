package pte

// LinuxPTE is a Linux page table entry as a number. What its bits mean depends
// on the kernel: see [Layout]. Zero maps nothing in every layout.
type LinuxPTE uint64

// Layout says where a kernel keeps what in a page table entry. The fields are
// masks; a zero mask means that the kernel has no such bit.
type Layout struct {
	Name string
	Page PageSize // base page size: what one entry maps

	Present   LinuxPTE
	Leaf      LinuxPTE // _PAGE_PTE, set in every entry that maps a page
	Invalid   LinuxPTE // present, but being changed (modify_prot)
	Read      LinuxPTE // zero where Present implies it
	Write     LinuxPTE
	Exec      LinuxPTE
	User      LinuxPTE // user may access; zero where Privileged says it
	Kernel    LinuxPTE // only the kernel may access (_PAGE_PRIVILEGED)
	Dirty     LinuxPTE
	Accessed  LinuxPTE
	SoftDirty LinuxPTE // stored to since these bits were last cleared, as page faults saw it
	Busy      LinuxPTE // _PAGE_BUSY, H_PAGE_BUSY: the entry is locked
	HashPTE   LinuxPTE // _PAGE_HASHPTE, H_PAGE_HASHPTE: a hash table entry may exist
	Second    LinuxPTE // F_SECOND: it is in the secondary group
	GIX       LinuxPTE // F_GIX: its index within the group, three bits
	RPN       LinuxPTE // real page number, from bit RPNShift
	RPNShift  uint
	NoCache   LinuxPTE // cache-inhibited and guarded storage, as devices have

	// Only with 64K base pages. There the slot is in a second word beside the entry,
	// or partly: see [RealPTE].
	Combo LinuxPTE // the page is entered as 4K pieces (_PAGE_COMBO, H_PAGE_COMBO)
	Sub   LinuxPTE // with Combo: pieces that have an entry, piece 0 highest; or Hidx says it
	FourK LinuxPTE // RPN counts 4K pages: all pieces are one 4K page (H_PAGE_4K_PFN)

	hidxBias uint64   // the second word holds hidx plus this
	memory   LinuxPTE // storage control of ordinary memory
	keys     LinuxPTE // the bits of the page key that the entry has room for

	// attr converts to the protection of a hash table entry.
	attr func(l *Layout, p LinuxPTE) Attr
}

// Linux2620 is the layout of Linux 2.6.20, ppc64 with 4K base pages
// (include/asm-powerpc/pgtable-4k.h).
var Linux2620 = &Layout{
	Name: "2.6.20", Page: Page4K,
	Present: 0x001, User: 0x002, Exec: 0x004,
	Dirty: 0x080, Accessed: 0x100, Write: 0x200,
	HashPTE: 0x400, Busy: 0x800, Second: 0x8000, GIX: 0x7000,
	RPN: 0xfffffffffffe0000, RPNShift: 17, NoCache: noCache2620,
	memory: coherent2620, attr: attr2620,
}

// Linux61 is the layout of Linux 6.1, book3s64 hash with 4K base pages
// (arch/powerpc/include/asm/book3s/64/hash-4k.h).
var Linux61 = &Layout{
	Name: "6.1", Page: Page4K,
	Present: 1 << 63, Leaf: 1 << 62, Invalid: 1 << 61,
	Exec: 0x1, Write: 0x2, Read: 0x4, Kernel: 0x8,
	Busy: 0x40, Dirty: 0x80, Accessed: 0x100, SoftDirty: 0x200,
	HashPTE: 1 << 60, Second: 1 << 56, GIX: 7 << 53,
	RPN: 1<<53 - 1<<12, RPNShift: 12, NoCache: nonIdempotent,
	keys: 7 << 57, attr: attr61, // HASHPTE and F_SECOND take the other two
}

// Storage control bits of the two kernels.
const (
	cache61       = 0x030
	sao61         = 0x010
	nonIdempotent = 0x020
	inhibited     = 0x020 // set in all cache-inhibited storage of either kernel
	noCache2620   = 0x028
	tolerant61    = 0x030
	coherent2620  = 0x010
	key61Shift    = 56
	hpteLow2620   = 0x1fe // bits that 2.6.20 hands over to R as they are
)

// Make builds an entry that maps the page at ra: present, not hashed, with the
// given access for user code, and ordinary storage.
func (l *Layout) Make(ra RA, a Access) LinuxPTE {
	p := l.Present | l.Leaf | l.memory | LinuxPTE(uint64(ra)>>l.Page.Shift()<<l.RPNShift)&l.RPN
	return l.WithAccess(p, a)
}

// WithAccess replaces the access that the entry grants to user code. With none at
// all it is no user page, where that has a bit (Linux: PAGE_NONE).
func (l *Layout) WithAccess(p LinuxPTE, a Access) LinuxPTE {
	p &^= l.User | l.Kernel | l.Read | l.Write | l.Exec
	if a != 0 {
		p |= l.User
	}
	if a.Has(Read) {
		p |= l.Read
	}
	if a.Has(Write) {
		p |= l.Write
	}
	if a.Has(Exec) {
		p |= l.Exec
	}
	return p
}

// Stored are the bits that a page fault for a store sets (Linux: pte_mkdirty).
// hash_page sets Dirty alone.
func (l *Layout) Stored() LinuxPTE { return l.Dirty | l.SoftDirty }

// ProtNone reports whether the entry maps a page for nobody, so that the next
// access comes to the page fault handler (Linux: pte_protnone). Kernels whose
// entries cannot be read-protected have no such entries.
func (l *Layout) ProtNone(p LinuxPTE) bool {
	access := l.Read | l.Write | l.Exec
	return l.Read != 0 && p&(l.Present|l.Leaf|access) == l.Present|l.Leaf
}

// Hinting returns an entry that ProtNone holds for and that remembers whether p
// could be stored to (Linux: pte_modify with PAGE_NONE, pte_mk_savedwrite).
func (l *Layout) Hinting(p LinuxPTE) LinuxPTE {
	writable := p&l.Write != 0
	if p = l.WithAccess(p, 0); !writable {
		p |= l.Kernel
	}
	return p
}

// Writable reports whether stores are permitted, now or once the entry is hinting
// no more (Linux: pte_write).
func (l *Layout) Writable(p LinuxPTE) bool { return p&l.Write != 0 || l.SavedWrite(p) }

// WriteProtect returns which bits to clear and to set so that the entry is not
// Writable (Linux: ptep_set_wrprotect).
func (l *Layout) WriteProtect(p LinuxPTE) (clr, set LinuxPTE) {
	if l.SavedWrite(p) {
		return 0, l.Kernel
	}
	return l.Write, 0
}

// SavedWrite reports whether an entry made by Hinting could be stored to before
// (Linux: pte_savedwrite).
func (l *Layout) SavedWrite(p LinuxPTE) bool { return l.ProtNone(p) && p&l.Kernel == 0 }

// HPTEFlags are the bits that belong to the hash table: set_pte_at drops them
// and pte_same ignores them (Linux: _PAGE_HPTEFLAGS).
func (l *Layout) HPTEFlags() LinuxPTE {
	return l.Busy | l.HashPTE | l.Second | l.GIX | l.Combo | l.Sub
}

// None reports whether the entry maps nothing, hash bits aside (Linux: pte_none).
func (l *Layout) None(p LinuxPTE) bool { return p&^l.HPTEFlags() == 0 }

// IsPresent reports whether the kernel takes the entry as present: also in the
// middle of a change of protection (Linux: pte_present).
func (l *Layout) IsPresent(p LinuxPTE) bool {
	return p&l.Present != 0 || l.Invalid != 0 && p&(l.Invalid|l.Leaf) == l.Invalid|l.Leaf
}

// RA returns the real address of the page that a present entry maps.
func (l *Layout) RA(p LinuxPTE) RA {
	unit := l.Page
	if p&l.FourK != 0 {
		unit = Page4K
	}
	return RA(p & l.RPN >> l.RPNShift << unit.Shift())
}

// WithRA returns the entry for another page, of the base page size.
func (l *Layout) WithRA(p LinuxPTE, ra RA) LinuxPTE {
	return p&^l.RPN | LinuxPTE(uint64(ra)>>l.Page.Shift()<<l.RPNShift)&l.RPN
}

// Granted is the access that the entry grants to user code when it is present.
func (l *Layout) Granted(p LinuxPTE) Access {
	var a Access
	if p&l.Present == 0 || p&l.User != l.User || p&l.Kernel != 0 {
		return 0
	}
	if p&l.Read == l.Read {
		a |= Read
	}
	if p&l.Write != 0 {
		a |= Write
	}
	if p&l.Exec != 0 {
		a |= Exec
	}
	return a
}

// Hint returns where the entry says its hash table entry is, in a layout with 4K
// base pages; see [Layout.RealHint]. Where the slot is not in the entry it is 0.
func (l *Layout) Hint(p LinuxPTE) SlotHint {
	if p&l.HashPTE == 0 || l.GIX == 0 {
		return 0
	}
	return MakeSlotHint(p&l.Second != 0, int(p&l.GIX/(l.GIX&-l.GIX)))
}

// WithHint returns the entry with HASHPTE, F_SECOND and F_GIX saying h, BUSY
// unchanged, in a layout with 4K base pages.
func (l *Layout) WithHint(p LinuxPTE, h SlotHint) LinuxPTE {
	p &^= l.HashPTE | l.Second | l.GIX
	if !h.Hashed() {
		return p
	}
	p |= l.HashPTE | LinuxPTE(h.Index())*(l.GIX&-l.GIX)
	if h.Secondary() {
		p |= l.Second
	}
	return p
}

// Inhibited reports whether the entry maps cache-inhibited storage (Linux: pte_ci).
func (l *Layout) Inhibited(p LinuxPTE) bool { return p&inhibited != 0 }

// Attr converts to the protection of a hash table entry (Linux:
// htab_convert_pte_flags, on a processor with MMU_FTR_KERNEL_RO). A page that is
// writable but clean comes out read-only, so that the first store faults and marks
// it dirty; a writable one has C already, so that hardware need not write it.
func (l *Layout) Attr(p LinuxPTE) Attr { return l.attr(l, p) }

// attr2620 follows 2.6.20: bits 8:1 are R bits already, but for N.
func attr2620(l *Layout, p LinuxPTE) Attr {
	r := uint64(p&hpteLow2620) ^ RN
	if p&(l.Write|l.Dirty) != l.Write|l.Dirty {
		r |= 1
	}
	return HPTE{R: r | RChg}.Attr()
}

func attr61(l *Layout, p LinuxPTE) Attr {
	a := Attr{
		NoExec: p&l.Exec == 0,
		Ref:    true,
		Chg:    p&l.Dirty != 0,
		Key:    uint8(p & l.keys >> key61Shift),
	}
	switch {
	case p&l.Kernel != 0 && p&l.Write != 0:
		a.PP = PPSupervisorRW
	case p&l.Kernel != 0:
		a.PP = PPSupervisorR
	case p&(l.Read|l.Write|l.Exec) == 0:
		a.PP = PPUserRead // only the kernel writes; hash_page refuses it before
	case p&(l.Write|l.Dirty) == l.Write|l.Dirty:
		a.PP = PPUserRW
	default:
		a.PP = PPRead
	}
	switch p & cache61 {
	case tolerant61:
		a.WIMG = 4
	case nonIdempotent:
		a.WIMG = 4 | 1
	case sao61:
		a.WIMG = 8 | 4 | 2
	default:
		a.WIMG = Memory
	}
	return a
}
