package scenario

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/hashmmu/ppc64/batch"
	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/internal/tiny"
	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/mm/explore"
	"github.com/hashmmu/ppc64/pte"
	"github.com/hashmmu/ppc64/tlb"
)

// ErrStaleAccess reports contents seen after they had been thrown away.
var ErrStaleAccess = errors.New("scenario: an old page was reached after the operation that removed it had returned")

// ErrLostStore reports a store that went to a page which nobody finds any more.
var ErrLostStore = errors.New("scenario: a store went to an old page and is lost")

// Config says what a scenario runs on. The zero value of a field is the
// default that it names.
type Config struct {
	Kernel  *mm.Kernel                   // nil: Linux61
	Policy  batch.Policy                 // nil: the kernel's own
	Backend func(*mm.Machine) mm.Backend // nil: the hash table
	// Table makes the hash table; nil: a tiny one, empty, of 8 groups of 2 slots or,
	// where the scenario is crowded, 2 of 1.
	// It is called once a stage.
	Table func() (*hpt.Table, error)
	// NoPreload leaves the hash table alone at the end of a page fault.
	NoPreload bool
	// NoTLB makes CPUs walk for every access. Fewer states, so larger bounds; what
	// a TLB may keep too long is then out of sight.
	NoTLB bool
	// Countermeasures change the kernel; see [mm.Config].
	Countermeasures mm.Countermeasures
	// MergeSteps makes executions shorter; see [mm.Config].
	MergeSteps bool

	_ struct{}
}

const (
	// firstPage is where the pages of a stage are mapped.
	firstPage pte.EA = 0x10000000
	// ownPTEPage is a distance in pages that gives each a PTE page of its own: 8 MiB
	// and one page, because the entries of a table as tiny as that of a stage tell
	// apart pages that differ in their group or in the address bits from 2^23 on.
	ownPTEPage = 2048 + 1
	// terabyte is a distance in pages that takes the second page beyond 1T, where
	// segments are of 1T.
	terabyte = 1<<(40-pte.VPNShift) + 1
)

// Stage is a machine with one address space that maps a file, shared and
// writable, and the oracle that watches it.
type Stage struct {
	Machine *mm.Machine
	Space   *mm.AddressSpace
	File    *mm.Mapping

	stride  uint64 // from one page of the stage to the next, in pages
	shift   uint   // log2 of the bytes of a page of the stage
	pages   []mm.PageOf
	stamps  []uint64        // contents of the pages at the start
	others  []mm.PageOf     // what Scenario.Others says
	kernel  *mm.KernelSpace // made by Scenario.Others, where a task needs it
	stepper *stepper
	start   *mm.Checkpoint

	// The oracle for thrown away contents: stamps up to floor are gone for good.
	floor    uint64
	floorLoc explore.Loc // 0 when the scenario throws nothing away
	stale    error
}

// newStage builds the machine of a scenario.
func newStage(w *explore.World, sc *Scenario, v Variant, cfg Config) (*Stage, error) {
	if cfg.Kernel == nil {
		cfg.Kernel = mm.Linux61
	}
	st := &Stage{stepper: &stepper{world: w}, stride: max(1, sc.Stride), shift: sc.pageShift(cfg.Kernel)}
	table, err := makeTable(sc, cfg)
	if err != nil {
		return nil, err
	}
	st.Machine, err = mm.New(mm.Config{
		Kernel: cfg.Kernel, Table: table, CPUs: len(sc.Tasks), Frames: 4 + 4*sc.pages(), Batch: sc.Batch,
		HugeFrames: sc.hugeFrames(), HugePieces: sc.hugePieces(),
		Policy: cfg.Policy, Nest: v.Nest, Locks: v.Locks, NoPreload: cfg.NoPreload, NoTLB: cfg.NoTLB, MergeSteps: cfg.MergeSteps, Backend: cfg.Backend,
		Countermeasures: cfg.Countermeasures,
		TLB:             tlb.CacheConfig{Sets: 1, Ways: 4}, Stepper: st.stepper,
	})
	if err != nil {
		return nil, err
	}
	return st, st.populate(sc, v)
}

// before gives the pages their PTEs and entries: as a Variant says, or by a load.
func (st *Stage) before(c *mm.CPU, how func(*Stage, *mm.CPU)) {
	if how != nil {
		how(st, c)
		return
	}
	for i := range st.pages {
		_, err := c.Load(st.Space, st.EA(i))
		allow(err)
	}
}

func makeTable(sc *Scenario, cfg Config) (*hpt.Table, error) {
	if cfg.Table != nil {
		return cfg.Table()
	}
	size := tiny.Config{Groups: 8, Slots: 2}
	if sc.Demotes {
		size.Groups = pte.Pieces // tells the pieces of a page apart
	}
	if sc.Crowded {
		size = tiny.Config{Groups: 2, Slots: 1}
	}
	return tiny.New(size).Store.(*hpt.Table), nil
}

// populate maps the file and lets every CPU use the space, so that an
// invalidation has to reach them all.
func (st *Stage) populate(sc *Scenario, v Variant) error {
	n := sc.pages()
	st.Space = st.Machine.NewAddressSpace(st.roomyContext(n))
	st.File = st.newFile(sc, v)
	prot := sc.Prot
	if prot == 0 {
		prot = pte.Read | pte.Write
	}
	c := st.Machine.CPU(st.Machine.CPUs() - 1)
	vma := mm.VMA{Range: st.all(), Prot: prot}
	if sc.Huge == Transparent {
		vma.Range, vma.Transparent = mm.Range{Start: firstPage, End: firstPage + 1<<pte.Page16M.Shift()}, true
	}
	if sc.Demotes {
		vma.Range = st.Machine.Kernel().Pages(firstPage, 1)
	}
	if !sc.Anonymous {
		vma.File, vma.Shared = st.File, !sc.Private
	}
	if err := c.Map(st.Space, vma); err != nil {
		return err
	}
	for i := range n {
		st.pages = append(st.pages, mm.PageOf{Space: st.Space, EA: st.EA(i)})
	}
	st.before(c, v.Before)
	if sc.Others != nil {
		st.others = sc.Others(st)
	}
	for i := range st.Machine.CPUs() {
		st.Machine.CPU(i).Join(st.Space)
	}
	return nil
}

// firstContext is beyond the context numbers that a running Linux has in use,
// so that no entry of a real table is taken for one of the stage.
const firstContext uint64 = 1 << 18

// roomyContext returns the first context number for which the table has room for
// two entries in the primary group of each of n pages: the table may be a real
// one, and full.
func (st *Stage) roomyContext(n int) uint64 {
	t, vsid := st.Machine.Table(), st.Machine.Kernel().VSID
	for context := firstContext; ; context++ {
		room := true
		for i := range n {
			ea := st.EA(i)
			seg := pte.Seg256M
			if ea>>40 != 0 && vsid.HasSeg(pte.Seg1T) {
				seg = pte.Seg1T
			}
			k := pte.MakeKey(vsid.VSID(context, ea, seg), ea, seg, st.Machine.Kernel().PageSize())
			used := 0
			for range t.Group(k.Hash().Primary(t.Mask())) {
				used++
			}
			room = room && (used == 0 || uint64(used)+2 <= t.Slots()/t.Groups())
		}
		if room {
			return context
		}
	}
}

// EA is the address of page i of the stage.
func (st *Stage) EA(i int) pte.EA {
	return firstPage + pte.EA(st.index(i))<<st.shift
}

// page is the range of page i of the stage.
func (st *Stage) page(i int) mm.Range { return mm.Range{Start: st.EA(i), End: st.EA(i) + 1<<st.shift} }

// index is the page of the file at page i of the stage.
func (st *Stage) index(i int) uint64 { return uint64(i) * st.stride }

// filePages is the length of the file.
func (st *Stage) filePages() uint64 { return st.File.Size() }

// stage makes an exploration of the scenario.
func (sc *Scenario) stage(v Variant, cfg Config) explore.Scenario {
	return explore.Scenario{
		Name: sc.Name + ", " + v.Name, Operations: sc.operations(), Pages: sc.pages(),
		Build: func(w *explore.World) {
			st, err := newStage(w, sc, v, cfg)
			if err != nil {
				panic(err)
			}
			st.enter(w, sc)
		},
	}
}

// enter registers the stage with the explorer.
func (st *Stage) enter(w *explore.World, sc *Scenario) {
	watched := slices.Concat(st.pages, st.others)
	st.stepper.register(st.Machine, watched, sc)
	for i := range st.pages {
		if ra, ok := st.File.Cached(st.index(i)); ok {
			st.stamps = append(st.stamps, st.Machine.Frames().Load(ra))
		}
	}
	if sc.Drops {
		st.floorLoc = w.Var("thrown away", func() uint64 { return st.floor })
	}
	for i, t := range sc.Tasks {
		cpu := st.Machine.CPU(i)
		local := func() uint64 { return st.stepper.seen[i] }
		st.stepper.cpus = append(st.stepper.cpus, w.CPU(t.Name, func(ec *explore.CPU) {
			st.next(cpu, 0)
			ec.Local(local)
			t.Run(st, cpu)
		}))
	}
	for _, p := range watched {
		w.Always("one translation a page", func() error { return st.duplicate(p) }, st.entries(p)...)
	}
	w.Finally("old contents out of reach", func() error { return st.stale })
	w.Finally("page tables and hardware in step", st.Machine.Check)
	w.Snapshot(st.draw)
	st.start = st.Machine.Save(watched...)
	w.Reset(func() {
		st.start.Restore()
		st.floor, st.stale = 0, nil
	})
}

// entries are the explorer's names for all hardware translations of a page.
func (st *Stage) entries(p mm.PageOf) []explore.Loc {
	var locs []explore.Loc
	for _, l := range p.Space.Entries(p.EA) {
		locs = append(locs, st.stepper.at(l).loc)
	}
	return locs
}

// DuplicateError reports two valid translations of a page; it is mm.ErrDuplicate.
type DuplicateError struct {
	EA           pte.EA
	Conflict     bool // they disagree
	FramesDiffer bool // about the frame, of all things
}

func (e *DuplicateError) Error() string {
	how := "and they agree"
	switch {
	case e.FramesDiffer:
		how = "for two frames"
	case e.Conflict:
		how = "and they disagree"
	}
	return fmt.Sprintf("%v: %v, %s", mm.ErrDuplicate, e.EA, how)
}

// Unwrap makes errors.Is(err, mm.ErrDuplicate) true.
func (e *DuplicateError) Unwrap() error { return mm.ErrDuplicate }

func (st *Stage) duplicate(p mm.PageOf) error {
	dup, conflict := p.Space.Duplicate(p.EA)
	if !dup {
		return nil
	}
	return &DuplicateError{p.EA, conflict, st.framesDiffer(p)}
}

// framesDiffer tells whether hash table entries of a page name different frames.
func (st *Stage) framesDiffer(p mm.PageOf) bool {
	t, k := st.Machine.Table(), p.Space.Key(p.EA)
	if t == nil {
		return false
	}
	var frames []pte.RA
	for _, secondary := range [2]bool{false, true} {
		for _, e := range t.Group(k.Hash().Group(secondary, t.Mask())) {
			if size, ok := t.Sizes().Actual(k.Base, e); ok && e.Match(k, secondary) {
				frames = append(frames, e.RA(size))
			}
		}
	}
	return len(frames) > 1 && frames[0] != frames[1]
}

// allow panics, which the explorer reports, on an error that a scenario does
// not expect.
func allow(err error, expected ...error) {
	if err == nil {
		return
	}
	for _, e := range expected {
		if errors.Is(err, e) {
			return
		}
	}
	panic(err)
}

// unmap takes n pages from page first on away from everybody, the file keeps them.
func (st *Stage) unmap(c *mm.CPU, first, n int) {
	_, err := c.UnmapMappingRange(context.Background(), st.File, st.index(first), st.index(n-1)+1, true)
	allow(err)
}

// punch throws page i of the file away.
func (st *Stage) punch(c *mm.CPU, i int) {
	st.throwAway(c, func() error {
		_, err := c.PunchHole(context.Background(), st.File, st.index(i), 1)
		return err
	})
}

// outOfReach are the errors of an access to a page that was taken away, or its
// rights, by the operation that the access races with.
var outOfReach = []error{mm.ErrNoVMA, mm.ErrProtected, mm.ErrBus}

// store stores to page i.
func (st *Stage) store(c *mm.CPU, i int) {
	allow(c.Store(st.Space, st.EA(i), uint64(c.ID()+1)<<32), outOfReach...)
}

// fetch executes from page i.
func (st *Stage) fetch(c *mm.CPU, i int) {
	_, err := c.Fetch(st.Space, st.EA(i))
	allow(err, outOfReach...)
}

// storeSame stores to page i what its page in the file holds already.
func (st *Stage) storeSame(c *mm.CPU, i int) {
	allow(c.Store(st.Space, st.EA(i), st.stamps[i]))
}

// load loads from page i and checks what it sees.
func (st *Stage) load(c *mm.CPU, i int) {
	floor := st.begin(c)
	v, err := c.Load(st.Space, st.EA(i))
	allow(err, outOfReach...)
	if err == nil && v != 0 && v <= floor {
		st.stale = fmt.Errorf("%w: CPU %d, %v", ErrStaleAccess, c.ID(), st.EA(i))
	}
}

// storeAndLoad stores to page i and checks that a load sees it, in scenarios in
// which nobody else stores there or takes what is stored away.
func (st *Stage) storeAndLoad(c *mm.CPU, i int) {
	stamp := uint64(c.ID()+1) << 32
	allow(c.Store(st.Space, st.EA(i), stamp))
	v, err := c.Load(st.Space, st.EA(i))
	allow(err)
	if v != stamp {
		st.stale = fmt.Errorf("%w: CPU %d, %v", ErrLostStore, c.ID(), st.EA(i))
	}
}

// next begins operation i of a CPU: what it will do does not depend any more on
// what it saw in the ones before.
func (st *Stage) next(c *mm.CPU, i int) { st.stepper.forget(c, i) }

// begin is the start of an access: what had been thrown away by then.
func (st *Stage) begin(c *mm.CPU) uint64 {
	if st.floorLoc != 0 {
		st.stepper.cpus[c.ID()].Step("begin", explore.Read(st.floorLoc))
		st.stepper.see(c.ID(), st.floor)
	}
	return st.floor
}

// throwAway runs an operation that removes page contents. When it has returned,
// no access that begins may see contents that existed before it began.
func (st *Stage) throwAway(c *mm.CPU, op func() error) {
	ec := st.stepper.cpus[c.ID()]
	ec.Step("begin", explore.Read(st.stepper.at(mm.FramesLoc).loc))
	newest := st.Machine.NewestStamp()
	ec.Observed(newest)
	st.stepper.see(c.ID(), newest)
	allow(op())
	ec.Step("return", explore.Update(st.floorLoc))
	st.floor = max(st.floor, newest)
}
