package mmtest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"

	"github.com/hashmmu/ppc64/batch"
	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/pte"
	"github.com/hashmmu/ppc64/tlb"
)

// mixOperations is what each CPU does in a mix.
const mixOperations = 250

// Mix runs seeded random accesses and operations on goroutines, one per CPU, in
// two address spaces that share a file, and returns what the Shadow and
// [mm.Machine.Check] find: with -race, data races too. The seed fixes what each
// CPU does, not how they interleave. It also chooses the machine: CPUs, locks,
// hardware, and how crowded the table is, down to one free slot a group.
func Mix(s Spec, seed uint64) error {
	s.Frames, s.Swap = 4*Places+32, Places
	return s.mix(seed, newMix)
}

// program is what a mix does: run on each CPU at the same time, and leave afterwards, to
// give everything back.
type program interface {
	run(c *mm.CPU, r *rand.Rand) error
	leave() error
}

// mix runs a program on a machine that the seed completes, under a Shadow.
func (s Spec) mix(seed uint64, layOut func(Spec, *Shadow, []*mm.AddressSpace) (program, error)) (err error) {
	r := rand.New(rand.NewPCG(seed, 0))
	s.CPUs = 2 + r.IntN(3)
	s.Locks = mm.LockGranularity(r.IntN(3))
	s.Nest = batch.Nesting(r.IntN(2))
	s.NoPreload = r.IntN(4) == 0
	s.Room = []int{1, 2, 8}[seed%3]
	s.TLB = tlb.CacheConfig{Sets: 1 << r.IntN(5), Ways: 1 + r.IntN(4)}
	m, spaces, free, err := s.New(2)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, free()) }()
	shadow := NewShadow(m)
	x, err := layOut(s, shadow, spaces)
	if err != nil {
		return err
	}
	if err := errors.Join(onCPUs(m, seed, x.run), shadow.Check()); err != nil {
		return fmt.Errorf("%v: %w", s, err)
	}
	return x.leave()
}

// onCPUs runs f on a goroutine for each CPU, with random numbers of its own.
func onCPUs(m *mm.Machine, seed uint64, f func(c *mm.CPU, r *rand.Rand) error) error {
	errs := make([]error, m.CPUs())
	var wg sync.WaitGroup
	for i := range errs {
		wg.Add(1)
		go func() {
			defer wg.Done()
			errs[i] = f(m.CPU(i), rand.New(rand.NewPCG(seed, uint64(i)+1)))
		}()
	}
	wg.Wait()
	return errors.Join(errs...)
}

// refused reports whether err says that an operation was asked for what could not be,
// as happens when others change the mappings; nil is none.
func refused(err error) bool {
	for _, may := range []error{nil, mm.ErrNoVMA, mm.ErrProtected, mm.ErrBus, mm.ErrOverlap, mm.ErrAdvice, mm.ErrUnsupported, mm.ErrNoSpace} {
		if errors.Is(err, may) {
			return true
		}
	}
	return false
}

// mix is the layout of two address spaces: a third private memory, a third
// a shared and a third a private mapping of the file.
type mix struct {
	spec   Spec
	m      *mm.Machine
	shadow *Shadow
	file   *mm.Mapping
	spaces []*mm.AddressSpace
	vmas   []mm.VMA
	kernel *mm.KernelSpace
}

const rwx = pte.Read | pte.Write | pte.Exec

func newMix(s Spec, shadow *Shadow, spaces []*mm.AddressSpace) (program, error) {
	m := shadow.m
	x := &mix{spec: s, m: m, shadow: shadow, spaces: spaces}
	x.file = m.NewMapping(FilePages, s.NoPreload)
	var err error
	if x.kernel, err = m.NewKernelSpace(spaces[len(spaces)-1].Context()+1, m.Kernel().Pages(s.EA(Places), 8)); err != nil {
		return nil, err
	}
	const third = Places / 3
	x.vmas = []mm.VMA{
		{Range: s.Range(0, third-1), Prot: rwx},
		{Range: s.Range(third, 2*third-1), Prot: rwx, Shared: true, File: x.file},
		{Range: s.Range(2*third, Places-1), Prot: rwx, File: x.file},
	}
	for _, as := range spaces {
		for _, v := range x.vmas {
			if err := x.shadow.Map(m.CPU(0), as, v); err != nil {
				return nil, err
			}
		}
	}
	return x, nil
}

func (x *mix) run(c *mm.CPU, r *rand.Rand) error {
	for range mixOperations {
		if err := x.one(c, r); !refused(err) {
			return fmt.Errorf("CPU %d: %w", c.ID(), err)
		}
	}
	return nil
}

// one does one operation. More than half are accesses.
func (x *mix) one(c *mm.CPU, r *rand.Rand) (err error) {
	ctx := context.Background()
	as := x.spaces[r.IntN(len(x.spaces))]
	v := x.vmas[r.IntN(len(x.vmas))]
	first := r.IntN(Places)
	last := min(first+r.IntN(4), Places-1)
	span := x.spec.Range(first, last)
	ea := x.spec.EA(first)
	page, n := x.spec.FileIndex(r.IntN(Places/3)), x.spec.FileIndex(2*r.IntN(3))+1
	switch r.IntN(34) {
	default:
		_, err = x.shadow.Load(c, as, ea)
	case 0, 1, 2, 3, 4, 5, 6:
		_, err = x.shadow.Store(c, as, ea)
	case 7, 8:
		_, err = x.shadow.Fetch(c, as, ea)
	case 9:
		_, err = x.shadow.ZapPageRange(ctx, c, as, span)
	case 10:
		_, err = x.shadow.MadviseDontNeed(ctx, c, as, span)
	case 11:
		_, err = x.shadow.UnmapMappingRange(ctx, c, x.file, page, n, r.IntN(2) == 0)
	case 12:
		_, err = x.shadow.PunchHole(ctx, c, x.file, page, n)
	case 13:
		_, err = c.Protect(ctx, as, span, []pte.Access{pte.Read, pte.Read | pte.Write, rwx}[r.IntN(3)])
	case 14:
		_, err = x.shadow.Unmap(ctx, c, as, span)
	case 15, 16:
		err = x.shadow.Map(c, as, v)
	case 17, 18:
		free := func(ctx context.Context, as *mm.AddressSpace, r mm.Range) (mm.Result, error) {
			return x.shadow.MadviseFree(ctx, c, as, r)
		}
		walks := []func(context.Context, *mm.AddressSpace, mm.Range) (mm.Result, error){free, c.MadviseCold, c.MadvisePageout, c.HintNUMA}
		_, err = walks[r.IntN(len(walks))](ctx, as, span)
	case 19:
		clears := []func(context.Context, *mm.AddressSpace) (mm.Result, error){c.ClearYoung, c.ClearSoftDirty}
		_, err = clears[r.IntN(len(clears))](ctx, as)
	case 20:
		if c.ID() == 0 {
			_, err = x.shadow.Truncate(ctx, c, x.file, x.spec.FileIndex(r.IntN(Places+1)))
		}
	case 21, 22:
		x.page(c, as, ea, page+uint64(r.IntN(2)), r.IntN(len(pageOperations)))
	case 23:
		_, err = x.shadow.Invalidate(ctx, c, x.file, page, n)
	case 24:
		_, err = x.shadow.MadviseRemove(ctx, c, as, span)
	case 25:
		_, err = c.MigrateVMA(ctx, as, span)
	case 26:
		err = x.vmalloc(c, uint64(1+r.IntN(3)))
	}
	return err
}

// leave gives everything back: no frame but the zero page may be in use (M2).
func (x *mix) leave() error {
	c := x.m.CPU(0)
	for _, as := range x.spaces {
		if _, err := c.Unmap(context.Background(), as, x.spec.Range(0, Places-1)); err != nil {
			return err
		}
	}
	if err := x.shadow.Check(); err != nil {
		return err
	}
	if _, err := c.Truncate(context.Background(), x.file, 0); err != nil {
		return err
	}
	if free := x.m.Frames().Free(); free != x.spec.Frames-1 {
		return fmt.Errorf("%w: %d of %d frames free", mm.ErrRefs, free, x.spec.Frames)
	}
	return x.m.Check()
}
