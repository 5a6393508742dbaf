package mm

import (
	"fmt"

	"github.com/hashmmu/ppc64/batch"
	"github.com/hashmmu/ppc64/pte"
)

// Kernel is what differs between kernels, as data.
type Kernel struct {
	Name   string
	Layout *pte.Layout
	Index  IndexBits
	VSID   *pte.VSIDScheme
	// TaskSize is the first address that user code cannot have, at most
	// MaxEA and what Index reaches.
	TaskSize pte.EA
	// Policy is how the kernel flushes: what an unmodified one does.
	Policy batch.Policy

	// EarlyHashPTE: hash_page sets HASHPTE together with BUSY, before the hash
	// table entry exists.
	EarlyHashPTE bool
	// RightsBeforeBusy: hash_page looks at the access rights before the BUSY bit.
	RightsBeforeBusy bool
	// SetPTEFlushes: set_pte_at over a present PTE clears it and flushes first.
	SetPTEFlushes bool
	// ModifyProt: mprotect makes PTEs non-present with modify_prot_start and
	// present again with modify_prot_commit, in lazy MMU mode; otherwise with
	// ptep_get_and_clear and set_pte_at.
	ModifyProt bool
	// DontNeedShared: MADV_DONTNEED holds mmap_sem for reading only.
	DontNeedShared bool
	// IMmapShared: unmap_mapping_range holds i_mmap_lock for reading only.
	IMmapShared bool
	// PunchesCopies: punching a hole into a file takes private copies of its pages
	// away as well, as truncation does (vmtruncate_range; not since Linux 3.4).
	PunchesCopies bool
	// TruncateCount: unmap_mapping_range counts, and a fault whose page was looked
	// up before the count moved starts over. Otherwise the lock of the page keeps
	// it in the page cache until the fault has mapped it.
	TruncateCount bool
	// MoveFlushes: mremap flushes every page before it is mapped at its new address;
	// otherwise in lazy MMU mode, with the locks of both PTE pages held.
	MoveFlushes bool
	// ExitShared: exit_mmap holds mmap_sem for reading while it takes the pages
	// away; otherwise it holds no lock then, as nobody is left.
	ExitShared bool
	// Features is what this kernel has and some others do not.
	Features Feature

	// DemoteSpace: a page that must be hashed as 4K pieces has all of the space
	// hashed so; otherwise its slice, 256M below 4G and 1T above. (64K base pages.)
	DemoteSpace bool
}

// The kernel profiles.
var (
	// Linux2620 is Linux 2.6.20, February 2007: what the founding report is about.
	Linux2620 = &Kernel{
		Name: "2.6.20", Layout: pte.Linux2620, Index: IndexBits{9, 7, 7, 9}, VSID: pte.VSID2620, TaskSize: 1 << 44, Policy: batch.AtFinish(),
		EarlyHashPTE: true, RightsBeforeBusy: true, SetPTEFlushes: true, PunchesCopies: true, TruncateCount: true, MoveFlushes: true,
	}
	// Linux61 is Linux 6.1.
	Linux61 = &Kernel{
		Name: "6.1", Layout: pte.Linux61, Index: IndexBits{9, 7, 9, 9}, VSID: pte.VSID61, TaskSize: 1 << 46, Policy: batch.LazyMMU(),
		ModifyProt: true, DontNeedShared: true, IMmapShared: true, ExitShared: true,
		Features: MadvFree | MadvCold | NUMAHinting | ClearRefs | SoftDirty | LargeFolios | DeviceMemory,
	}
	// Linux2620With64K and Linux61With64K are the same with 64K base pages.
	Linux2620With64K = Linux2620.with64K(pte.Linux2620With64K, IndexBits{12, 12, 0, 4}, 0)
	Linux61With64K   = Linux61.with64K(pte.Linux61With64K, IndexBits{8, 10, 10, 8}, SubpageProt|TransparentHuge)
)

// with64K returns the profile for 64K base pages.
func (k *Kernel) with64K(l *pte.Layout, x IndexBits, more Feature) *Kernel {
	n := *k
	n.Name, n.Layout, n.Index = l.Name, l, x
	n.Features |= more
	n.DemoteSpace = k == Linux2620
	return &n
}

// Kernels lists the profiles with 4K base pages.
func Kernels() []*Kernel { return []*Kernel{Linux2620, Linux61} }

// AllKernels lists the profiles of every base page size.
func AllKernels() []*Kernel {
	return append(Kernels(), Linux2620With64K, Linux61With64K)
}

// ParseKernel returns the profile with the given name.
func ParseKernel(name string) (*Kernel, error) {
	var names []string
	for _, k := range AllKernels() {
		if k.Name == name {
			return k, nil
		}
		names = append(names, k.Name)
	}
	return nil, fmt.Errorf("mm: unknown kernel %q; one of %v", name, names)
}

// PageSize is the base page size.
func (k *Kernel) PageSize() pte.PageSize { return k.Layout.Page }

// Pages returns the range of n base pages from start on.
func (k *Kernel) Pages(start pte.EA, n uint64) Range {
	return Range{start, start + pte.EA(n<<k.PageSize().Shift())}
}

// segment returns the segment size of a user address (Linux: user_segment_size):
// 256M below 1T, above it 1T where the kernel has those.
func (k *Kernel) segment(ea pte.EA) pte.SegSize {
	if ea>>40 != 0 && k.VSID.HasSeg(pte.Seg1T) {
		return pte.Seg1T
	}
	return pte.Seg256M
}
