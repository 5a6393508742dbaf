package scenario

import (
	"context"
	"fmt"
	"slices"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/pte"
)

// Workload is something done to many pages, to count what it takes: one CPU
// changes their PTEs, then another uses all of them.
type Workload struct {
	Name   string
	Pages  int    // PTEs changed
	Stride uint64 // from one page to the next, in pages; 0 means 1
	vma    mm.VMA // Prot, and Shared for a file
	before func(*bench, *mm.CPU) error
	change func(*bench, *mm.CPU) error
	after  pte.Access
	needs  mm.Feature
}

// Cost is what a workload takes on a kernel.
type Cost struct {
	Flushes  int // batches flushed: each is a ptesync, with all other CPUs waited for
	TLBIE    int // translations invalidated in TLBs, an instruction each
	TableOps int // entries inserted, updated, removed
	Hcalls   int // the same as hypercalls, removals four at a time within a flush (H_BULK_REMOVE)
	// Extra are operations that the kernel without countermeasures has not: searches
	// of a group, changes of and looks at the set of queued pages.
	Extra int
}

// Workloads lists the workloads that the kernel can do.
func Workloads(k *mm.Kernel) []*Workload {
	all := []*Workload{
		{Name: "mprotect-raise", Pages: 512, vma: mm.VMA{Prot: readWrite, Shared: true}, before: readOnlyPages, change: protectAll(readWrite), after: pte.Write},
		{Name: "mprotect-lower", Pages: 512, vma: mm.VMA{Prot: readWrite, Shared: true}, change: protectAll(pte.Read), after: pte.Read},
		{Name: "madvise-free", Pages: 512, vma: mm.VMA{Prot: readWrite}, change: freeAll, after: pte.Read, needs: mm.MadvFree},
		{Name: "madvise-cold", Pages: 512, vma: mm.VMA{Prot: readWrite, Shared: true}, change: coolAll, after: pte.Read, needs: mm.MadvCold},
		{Name: "zap", Pages: 512, vma: mm.VMA{Prot: readWrite}, change: zapAll, after: pte.Write},
		{Name: "zap-sparse", Pages: 64, Stride: ownPTEPage, vma: mm.VMA{Prot: readWrite}, change: zapAll, after: pte.Write},
		{Name: "cow", Pages: 512, vma: mm.VMA{Prot: readWrite}, before: zeroPages, change: storeAll, after: pte.Read},
	}
	return slices.DeleteFunc(all, func(w *Workload) bool { return !k.Has(w.needs) })
}

// Cost runs the workload once, on a table of the usual size that has nothing else
// in it.
func (w *Workload) Cost(k *mm.Kernel, f Fix) (Cost, error) {
	t, err := hpt.New(hpt.Config{Order: 18})
	if err != nil {
		return Cost{}, err
	}
	defer t.Close()
	count := &counter{unique: f.Countermeasures.InsertUnique}
	m, err := mm.New(mm.Config{
		Kernel: k, Table: t, CPUs: 2, Frames: 4 * w.Pages, Policy: f.Policy, Countermeasures: f.Countermeasures, Stepper: count,
	})
	if err != nil {
		return Cost{}, err
	}
	b := &bench{w: w, space: m.NewAddressSpace(firstContext)}
	if err = b.setUp(m); err == nil {
		count.Cost = Cost{}
		err = w.change(b, m.CPU(0))
	}
	if err == nil {
		err = b.use(m.CPU(1), w.after)
	}
	if err == nil {
		err = m.Check()
	}
	return count.Cost, err
}

// bench is a workload's address space.
type bench struct {
	w     *Workload
	space *mm.AddressSpace
}

func (b *bench) ea(i int) pte.EA {
	return firstPage + pte.EA(uint64(i)*max(1, b.w.Stride))<<pte.VPNShift
}

func (b *bench) all() mm.Range {
	return mm.Range{Start: firstPage, End: b.ea(b.w.Pages-1) + 1<<pte.VPNShift}
}

// setUp maps the pages and has both CPUs use them.
func (b *bench) setUp(m *mm.Machine) error {
	v := b.w.vma
	v.Range = b.all()
	if v.Shared {
		v.File = m.NewMapping(v.Len()>>pte.VPNShift, false)
	}
	if err := m.CPU(0).Map(b.space, v); err != nil {
		return err
	}
	m.CPU(0).Join(b.space)
	if b.w.before != nil {
		return b.w.before(b, m.CPU(1))
	}
	return storeAll(b, m.CPU(1))
}

// use accesses every page once.
func (b *bench) use(c *mm.CPU, a pte.Access) error {
	for i := range b.w.Pages {
		if _, err := c.Access(b.space, b.ea(i), a, uint64(i)); err != nil {
			return fmt.Errorf("%s, page %d: %w", b.w.Name, i, err)
		}
	}
	return nil
}

func storeAll(b *bench, c *mm.CPU) error  { return b.use(c, pte.Write) }
func zeroPages(b *bench, c *mm.CPU) error { return b.use(c, pte.Read) }

// readOnlyPages are pages stored to, then protected, then read.
func readOnlyPages(b *bench, c *mm.CPU) error {
	if err := storeAll(b, c); err != nil {
		return err
	}
	if err := protectAll(pte.Read)(b, c); err != nil {
		return err
	}
	return b.use(c, pte.Read)
}

func protectAll(a pte.Access) func(*bench, *mm.CPU) error {
	return func(b *bench, c *mm.CPU) error {
		_, err := c.Protect(context.Background(), b.space, b.all(), a)
		return err
	}
}

func zapAll(b *bench, c *mm.CPU) error {
	_, err := c.MadviseDontNeed(context.Background(), b.space, b.all())
	return err
}

func freeAll(b *bench, c *mm.CPU) error {
	_, err := c.MadviseFree(context.Background(), b.space, b.all())
	return err
}

func coolAll(b *bench, c *mm.CPU) error {
	_, err := c.MadviseCold(context.Background(), b.space, b.all())
	return err
}

// counter is a Stepper that lets every step happen and counts.
type counter struct {
	Cost
	unique  bool
	removed int // entries removed by the flush under way
}

// bulk is how many entries H_BULK_REMOVE takes.
const bulk = 4

// Step implements [mm.Stepper].
func (n *counter) Step(_ int, op mm.Op) {
	switch op.Step {
	case mm.StepInsert:
		n.TableOps++
		n.Hcalls++
		if n.unique {
			n.Extra += 2
		}
	case mm.StepUpdatePP, mm.StepRemove:
		n.TableOps++
		n.Hcalls++
	case mm.StepInvalidate:
		n.TableOps++
		n.removed++
	case mm.StepTLBIE:
		n.tlbie()
	case mm.StepQueue, mm.StepUnqueue, mm.StepQueued:
		n.Extra++
	}
}

// tlbie ends a flush, or the update of one entry.
func (n *counter) tlbie() {
	n.TLBIE += max(1, n.removed)
	if n.removed > 0 {
		n.Flushes++
		n.Hcalls += (n.removed + bulk - 1) / bulk
		n.removed = 0
	}
}

// Touch implements [mm.Stepper].
func (*counter) Touch(int, mm.Touch) {}

// Note implements [mm.Stepper].
func (*counter) Note(int, mm.Step, pte.EA) {}

// Saw implements [mm.Stepper].
func (*counter) Saw(int, uint64) {}
