package scenario

import (
	"context"
	"fmt"

	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/pte"
)

// rmapPaths start from a page, or from a file, or from kernel addresses: they
// hold mmap_sem of nobody whose PTEs they change.
var rmapPaths = []*Path{
	{
		Name:    "try-to-unmap",
		Trigger: "a store by a thread that maps the page",
		Scenarios: []*Scenario{
			race("try-to-unmap", Scenario{Vary: []Variant{readOnly, clean}}, tryingToUnmap, storing(0)),
			pair("swap-out", Scenario{Anonymous: true, Vary: []Variant{anonymous}, Drops: true}, swappingOut, storing(0)),
		},
		In: everywhere("mm/rmap.c:try_to_unmap_one", LooksSafe, "ptep_clear_flush flushes under the PTE page lock"),
	},
	{
		Name:    "page-mkclean",
		Trigger: "a store by a thread that maps the page",
		Scenarios: []*Scenario{
			race("page-mkclean", Scenario{Vary: []Variant{clean, {Name: "dirty", Before: owned}}}, mkcleaning, storing(0)),
		},
		In: []InKernel{
			{
				Kernel:    mm.Linux2620,
				Functions: []string{"mm/rmap.c:page_mkclean_one"},
				Predicted: LooksSafe, Why: "ptep_clear_flush flushes before the PTE is set again, under one PTE page lock",
				Verdict: Proved,
			},
			{
				Kernel:    mm.Linux61,
				Functions: []string{"mm/rmap.c:page_vma_mkclean_one"},
				Predicted: LooksSafe, Why: "ptep_clear_flush is outside lazy MMU mode and so flushes before the PTE is set again",
				Verdict: Proved,
			},
		},
	},
	{
		Name:    "page-referenced",
		Trigger: "a store by a thread that maps the page",
		Scenarios: []*Scenario{
			race("page-referenced", Scenario{Vary: []Variant{readOnly, clean}}, referencing, storing(0)),
		},
		In: everywhere("mm/rmap.c:page_referenced_one", LooksSafe, "ptep_test_and_clear_young keeps HASHPTE"),
	},
	{
		Name:    "migration",
		Trigger: "a store by a thread that maps the page",
		Scenarios: []*Scenario{
			pair("migration", Scenario{Anonymous: true, Vary: []Variant{anonymous}, Drops: true}, migrating, storing(0)),
		},
		In: []InKernel{
			{
				Kernel:    mm.Linux2620,
				Functions: []string{"mm/migrate.c:unmap_and_move", "mm/rmap.c:try_to_unmap_one"},
				Predicted: LooksSafe, Why: "ptep_clear_flush flushes before the migration entry is set, and faults wait for that to go",
				Verdict: Proved,
			},
			{
				Kernel:    mm.Linux61,
				Functions: []string{"mm/rmap.c:try_to_migrate_one", "mm/migrate.c:remove_migration_pte"},
				Predicted: LooksSafe, Why: "ptep_clear_flush is outside lazy MMU mode, and faults wait for the migration entry to go",
				Measured: Measured{Count: "44,759 pages"},
				Verdict:  Proved,
			},
		},
	},
	{
		Name:    "migrate-collect",
		Trigger: "a store by another thread to a page that is pinned, clean and young",
		Scenarios: []*Scenario{
			race("migrate-collect", Scenario{Anonymous: true, Vary: []Variant{pinned(freed)}, Drops: true}, offering, storing(0)),
			pair("migrate-collect-shared", Scenario{Anonymous: true, Vary: []Variant{freed}, Drops: true}, offering, storing(0)),
		},
		In: []InKernel{{
			Kernel:    mm.Linux61,
			Functions: []string{"mm/migrate_device.c:migrate_vma_collect_pmd"},
			Predicted: LooksDuplicate, Why: "when the page cannot be shared, set_pte_at puts the PTE back inside lazy MMU mode, where ptep_clear_flush only queues",
			Verdict: Duplicate,
		}},
	},
	{
		Name:    "invalidate",
		Trigger: "a store by a thread that maps the page, while another one writes the file by direct I/O",
		Scenarios: []*Scenario{
			race("invalidate", Scenario{Vary: []Variant{readOnly, clean}, Drops: true}, invalidating, storing(0)),
		},
		In: []InKernel{
			{
				Kernel:    mm.Linux2620,
				Functions: []string{"mm/truncate.c:invalidate_inode_pages2_range", "mm/memory.c:unmap_mapping_range"},
				Predicted: LooksDuplicate, Why: "as unmap-mapping-range: the page can be faulted in again at once",
				Verdict: Duplicate, FramesDiffer: true,
			},
			{
				Kernel:    mm.Linux61,
				Functions: []string{"mm/truncate.c:invalidate_inode_pages2_range", "mm/memory.c:unmap_mapping_folio"},
				Predicted: LooksClosed, Why: "as unmap-mapping-range",
				Verdict: Proved,
			},
		},
	},
	{
		Name:    "madvise-remove",
		Trigger: "a store by a thread of another process that maps the file",
		Scenarios: []*Scenario{
			race("madvise-remove", Scenario{Vary: []Variant{readOnly, clean}, Remaps: true, Drops: true, Others: callerOfRemove}, removing, storing(0)),
		},
		In: []InKernel{
			{
				Kernel:    mm.Linux2620,
				Functions: []string{"mm/madvise.c:madvise_remove", "mm/memory.c:vmtruncate_range"},
				Predicted: LooksDuplicate, Why: "the caller's mmap_sem keeps faults out of its own address space only",
				Verdict: Duplicate, FramesDiffer: true,
			},
			{
				Kernel:    mm.Linux61,
				Functions: []string{"mm/madvise.c:madvise_remove", "mm/memory.c:zap_pte_range"},
				Predicted: LooksClosed, Why: "as unmap-mapping-range; mmap_lock is not even held",
				Verdict: Proved,
			},
		},
	},
	{
		Name:    "vmalloc",
		Trigger: "another CPU that is given the address next",
		Scenarios: []*Scenario{{
			Name: "vmalloc", Summary: "two CPUs that allocate, use and free kernel memory",
			Tasks: []Task{vmallocing, vmallocing}, Vary: []Variant{{Name: "used before", Before: usedBefore}},
			Drops: true, Others: kernelPages,
		}},
		In: []InKernel{
			{
				Kernel:    mm.Linux2620,
				Functions: []string{"mm/vmalloc.c:unmap_vm_area"},
				Predicted: LooksSafe, Why: "an address is given out again after flush_tlb_kernel_range only",
				Verdict: Proved,
			},
			{
				Kernel:    mm.Linux61,
				Functions: []string{"mm/vmalloc.c:vunmap_pte_range"},
				Predicted: LooksSafe, Why: "each entry is flushed at once, and addresses are given out again later still",
				Verdict: Proved,
			},
		},
	},
}

// everywhere is a path that is the same in both kernels and proved.
func everywhere(function string, p Prediction, why string) []InKernel {
	var out []InKernel
	for _, k := range mm.Kernels() {
		out = append(out, InKernel{Kernel: k, Functions: []string{function}, Predicted: p, Why: why, Verdict: Proved})
	}
	return out
}

// pair is race without the third CPU, for an operation of many steps.
func pair(name string, base Scenario, op, access Task) *Scenario {
	sc := race(name, base, op, access)
	sc.Summary = op.Name + " against a " + access.Name
	sc.Tasks = sc.Tasks[:2]
	return sc
}

var tryingToUnmap = Task{Name: "try_to_unmap", Run: func(s *Stage, c *mm.CPU) { c.TryToUnmap(s.File, s.index(0)) }}

var swappingOut = Task{Name: "swap out", Run: func(s *Stage, c *mm.CPU) { c.SwapOut(s.Space, s.EA(0)) }}

var mkcleaning = Task{Name: "page_mkclean", Run: func(s *Stage, c *mm.CPU) { c.PageMkclean(s.File, s.index(0)) }}

var referencing = Task{Name: "page_referenced", Run: func(s *Stage, c *mm.CPU) { c.PageReferenced(s.File, s.index(0)) }}

var migrating = Task{Name: "migrate", Run: func(s *Stage, c *mm.CPU) { c.Migrate(s.Space, s.EA(0)) }}

var offering = Task{Name: "migrate_vma", Run: func(s *Stage, c *mm.CPU) {
	_, err := c.MigrateVMA(context.Background(), s.Space, s.all())
	allow(err)
}}

// pinned is the variant with a device that reads every page; it goes on to the end.
func pinned(v Variant) Variant {
	before := v.Before
	v.Name += ", pinned"
	v.Before = func(s *Stage, c *mm.CPU) {
		before(s, c)
		for i := range s.pages {
			c.Pin(s.Space, s.EA(i))
		}
	}
	return v
}

var invalidating = Task{Name: "invalidate_inode_pages2_range", Run: func(s *Stage, c *mm.CPU) {
	s.throwAway(c, func() error {
		_, err := c.Invalidate(context.Background(), s.File, s.index(0), 1)
		return err
	})
}}

// callerOfRemove maps the file in another address space, at the same addresses.
func callerOfRemove(s *Stage) []mm.PageOf {
	pages := inChild(s)
	allow(s.Machine.CPU(0).Map(s.child(), mm.VMA{Range: s.all(), Prot: pte.Read | pte.Write, Shared: true, File: s.File}))
	return pages
}

var removing = Task{Name: "MADV_REMOVE", Run: func(s *Stage, c *mm.CPU) {
	s.throwAway(c, func() error {
		_, err := c.MadviseRemove(context.Background(), s.child(), s.page(0))
		return err
	})
}}

// kernelPages makes a kernel address space with room for one area after another.
func kernelPages(s *Stage) []mm.PageOf {
	size := mm.Range{Start: firstPage, End: firstPage + 3<<s.Machine.Kernel().PageSize().Shift()}
	var err error
	s.kernel, err = s.Machine.NewKernelSpace(s.Space.Context()+1, size)
	allow(err)
	for i := range s.Machine.CPUs() {
		s.Machine.CPU(i).Join(s.kernel.AddressSpace)
	}
	return []mm.PageOf{{Space: s.kernel.AddressSpace, EA: size.Start}, {Space: s.kernel.AddressSpace, EA: size.End - (size.End-size.Start)/3}}
}

// usedBefore leaves the pages of the stage alone: it is about others.
func usedBefore(*Stage, *mm.CPU) {}

// vmallocing allocates a page, stores to it, must find that there, and frees it.
var vmallocing = Task{Name: "vmalloc, store, load, vfree", Operations: 4, Run: func(s *Stage, c *mm.CPU) {
	ea, err := c.Vmalloc(s.kernel, 1)
	allow(err)
	stamp := uint64(c.ID()+1) << 32
	allow(c.Store(s.kernel.AddressSpace, ea, stamp))
	v, err := c.Load(s.kernel.AddressSpace, ea)
	allow(err)
	if v != stamp {
		s.stale = fmt.Errorf("%w: CPU %d, kernel address %v", ErrStaleAccess, c.ID(), ea)
	}
	allow(c.Vfree(s.kernel, ea))
}}
