package mmtest

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/pte"
)

// stage is a machine for one schedule: a file mapped shared and writable at
// place 0, seen by all CPUs, and a stepper.
type stage struct {
	m       *mm.Machine
	space   *mm.AddressSpace
	file    *mm.Mapping
	stepper *Stepper
	shadow  *Shadow
	spec    Spec
	free    func() error
}

// newStage builds a stage. The page has been loaded by the last CPU: it is
// clean, so its hash table entry denies stores.
func newStage(s Spec, cpus int, trackDirty bool) (*stage, error) {
	st := &stage{stepper: new(Stepper), spec: s}
	s.CPUs, s.Frames, s.Stepper = cpus, 32, st.stepper
	m, spaces, free, err := s.New(1)
	if err != nil {
		return nil, err
	}
	st.m, st.space, st.free = m, spaces[0], free
	st.file = m.NewMapping(1, trackDirty)
	st.shadow = NewShadow(m)
	c := m.CPU(cpus - 1)
	v := mm.VMA{Range: s.page(0), Prot: pte.Read | pte.Write, Shared: true, File: st.file}
	if err := st.shadow.Map(c, st.space, v); err != nil {
		return nil, err
	}
	_, err = st.shadow.Load(c, st.space, s.EA(0))
	for i := range cpus {
		m.CPU(i).Join(st.space)
	}
	return st, err
}

// duplicate reports whether the page has two translations now.
func (st *stage) duplicate() error {
	if dup, conflict := st.space.Duplicate(st.spec.EA(0)); dup {
		return fmt.Errorf("%w: conflict %t", mm.ErrDuplicate, conflict)
	}
	return nil
}

// store stores to the page on CPU 1. That the page is gone, or stays out of
// reach, is no mistake.
func (st *stage) store() error {
	_, err := st.shadow.Store(st.m.CPU(1), st.space, st.spec.EA(0))
	if errors.Is(err, mm.ErrRefault) || errors.Is(err, mm.ErrNoVMA) {
		return nil
	}
	return err
}

// zapPaths are the operations that take the page away.
var zapPaths = []struct {
	name string
	run  func(st *stage, c *mm.CPU) (mm.Result, error)
}{
	{"unmap_mapping_range", func(st *stage, c *mm.CPU) (mm.Result, error) {
		return st.shadow.UnmapMappingRange(context.Background(), c, st.file, 0, 1, true)
	}},
	{"hole punching", func(st *stage, c *mm.CPU) (mm.Result, error) {
		return st.shadow.PunchHole(context.Background(), c, st.file, 0, 1)
	}},
	{"zap_page_range", func(st *stage, c *mm.CPU) (mm.Result, error) {
		return st.shadow.ZapPageRange(context.Background(), c, st.space, st.spec.page(0))
	}},
	{"MADV_DONTNEED", func(st *stage, c *mm.CPU) (mm.Result, error) {
		return st.shadow.MadviseDontNeed(context.Background(), c, st.space, st.spec.page(0))
	}},
	{"munmap", func(st *stage, c *mm.CPU) (mm.Result, error) {
		return st.shadow.Unmap(context.Background(), c, st.space, st.spec.page(0))
	}},
}

// OneTranslation checks the founding rule in every schedule with one preemption:
// for each path that takes a page away, CPU 0 is stopped after each of its
// steps, CPU 1 stores to the page, and CPU 0 goes on. It returns the first
// schedule in which the page had two translations, as an error.
func OneTranslation(s Spec) error {
	for _, path := range zapPaths {
		for _, trackDirty := range []bool{false, true} {
			for _, locks := range []mm.LockGranularity{mm.LockPerPage, mm.LockPerSpace} {
				s.Locks = locks
				for n, more := 1, true; more; n++ {
					var err error
					if more, err = preemptOnce(s, path.run, trackDirty, n); err != nil {
						return fmt.Errorf("%s, dirty tracking %t, PTL %v: %w", path.name, trackDirty, locks, err)
					}
				}
			}
		}
	}
	return nil
}

// preemptOnce runs the schedule in which CPU 0 is stopped after n steps; more is
// false when it has no more than that.
func preemptOnce(s Spec, run func(*stage, *mm.CPU) (mm.Result, error), trackDirty bool, n int) (more bool, err error) {
	st, err := newStage(s, 2, trackDirty)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, st.free()) }()
	var errs [2]error
	st.stepper.Each = st.duplicate
	trace, err := st.stepper.Run([]Leg{{CPU: 0, Steps: n}, {CPU: 1}},
		func() { _, errs[0] = run(st, st.m.CPU(0)) },
		func() { errs[1] = st.store() })
	steps := 0
	for _, t := range trace {
		if t.CPU == 0 {
			steps++
		}
	}
	if err == nil {
		err = errors.Join(errs[0], errs[1], st.shadow.Check())
	}
	if err != nil {
		return false, fmt.Errorf("%w, in the schedule\n%s", err, FormatTrace(trace))
	}
	return steps > n, nil
}

// OldPageOutOfReach checks M3 in the schedule that a duplicate makes dangerous:
// CPU 0 punches a hole and is stopped when it has dropped the PTE page lock, CPU
// 1 stores to the fresh page, CPU 2, which had used the old page, loads. It must
// see the store.
func OldPageOutOfReach(s Spec) (err error) {
	st, err := newStage(s, 3, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.free()) }()
	if err := st.liftEntry(); err != nil {
		return err
	}
	var errs [3]error
	trace, err := st.stepper.Run([]Leg{{CPU: 0, Through: mm.StepPTEUnlock}, {CPU: 1}, {CPU: 2}},
		func() { _, errs[0] = st.shadow.PunchHole(context.Background(), st.m.CPU(0), st.file, 0, 1) },
		func() { errs[1] = st.store() },
		func() { _, errs[2] = st.shadow.Load(st.m.CPU(2), st.space, st.spec.EA(0)) })
	if err = errors.Join(err, errs[0], errs[1], errs[2], st.shadow.Check()); err != nil {
		return fmt.Errorf("%w, in the schedule\n%s", err, FormatTrace(trace))
	}
	return nil
}

// liftEntry moves the page's hash table entry away from the first free slot of
// its group, so that a second entry is found before it: the search would
// otherwise end at the old one, and the store never get through.
func (st *stage) liftEntry() error {
	c, t := st.m.CPU(2), st.m.Table()
	r := st.spec.page(0)
	if _, err := st.shadow.ZapPageRange(context.Background(), c, st.space, r); err != nil {
		return err
	}
	group := st.space.Key(r.Start).Hash().Primary(t.Mask())
	index, err := bolt(t, group, pte.SlotsPerGroup)
	if errors.Is(err, hpt.ErrGroupFull) {
		return nil
	}
	if _, err := st.shadow.Load(c, st.space, r.Start); err != nil {
		return err
	}
	t.StoreRaw(pte.Slot(group*pte.SlotsPerGroup+uint64(index)), pte.HPTE{})
	return err
}
