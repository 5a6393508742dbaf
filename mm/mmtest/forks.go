package mmtest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"

	"github.com/hashmmu/ppc64/mm"
)

// ErrSnapshot says that a child does not hold what its parent held when it was forked, or
// that a store of the one reached the other.
var ErrSnapshot = errors.New("mmtest: a forked child is no snapshot of its parent")

// forkRounds is how many children the first CPU of Forks makes.
const forkRounds = 10

// Forks has one CPU fork a space again and again, look at the child and end it,
// while the other CPUs, on goroutines of their own, store to the parent, age its
// pages and read back what they stored. A child must hold what a page held at some
// moment of the fork, and hold it for ever; the pages of both must come back.
func Forks(s Spec, seed uint64) (err error) {
	s.CPUs, s.Frames = 3, 4*Places+16
	s.Room = []int{1, 2, 8}[seed%3]
	m, spaces, free, err := s.New(2)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, free()) }()
	x := &forks{spec: s, m: m, parent: spaces[0], child: spaces[1]}
	if err := m.CPU(0).Map(x.parent, mm.VMA{Range: s.Range(0, Places-1), Prot: rwx}); err != nil {
		return err
	}
	errs := make([]error, m.CPUs())
	var wg sync.WaitGroup
	for i := range errs {
		wg.Add(1)
		go func() {
			defer wg.Done()
			r := rand.New(rand.NewPCG(seed, uint64(i)))
			if c := m.CPU(i); i == 0 {
				errs[i] = x.fork(c, r)
				x.done.Store(true)
			} else {
				errs[i] = x.write(c, r)
			}
		}()
	}
	wg.Wait()
	if err := errors.Join(append(errs, m.Check())...); err != nil {
		return fmt.Errorf("%v: %w", s, err)
	}
	if _, err := m.CPU(0).Exit(x.parent); err != nil {
		return err
	}
	if free := m.Frames().Free(); free != s.Frames-1 {
		return fmt.Errorf("%w: %d of %d frames free", mm.ErrRefs, free, s.Frames)
	}
	return m.Check()
}

type forks struct {
	spec          Spec
	m             *mm.Machine
	parent, child *mm.AddressSpace
	done          atomic.Bool
	// Of the stores to each place, all by one CPU in rising order: the last one
	// that has begun, and that has returned.
	begun, stored [Places]atomic.Uint64
}

// fork makes children and looks at them.
func (x *forks) fork(c *mm.CPU, r *rand.Rand) error {
	for range forkRounds {
		var low, high [Places]uint64
		for i := range low {
			low[i] = x.stored[i].Load()
		}
		if _, err := c.Fork(context.Background(), x.parent, x.child); err != nil {
			return err
		}
		for i := range high {
			high[i] = x.begun[i].Load()
		}
		var first [Places]uint64
		for i := range 3 * Places {
			place := i % Places
			v, err := c.Load(x.child, x.spec.EA(place))
			if err != nil {
				return err
			}
			if i < Places {
				first[place] = v
			}
			if v != first[place] || i < Places && (v < low[place] || v > high[place]) {
				return fmt.Errorf("%w: place %d: %d, then %d; the parent stored %d to %d", ErrSnapshot, place, first[place], v, low[place], high[place])
			}
			if r.IntN(3) == 0 {
				first[place] = x.m.NewStamp()
				if err := c.Store(x.child, x.spec.EA(place), first[place]); err != nil {
					return err
				}
			}
		}
		if _, err := c.Exit(x.child); err != nil {
			return err
		}
	}
	return nil
}

// write stores to the places of a CPU and reads them back.
func (x *forks) write(c *mm.CPU, r *rand.Rand) error {
	writers := x.m.CPUs() - 1
	for !x.done.Load() {
		place := r.IntN(Places/writers)*writers + c.ID() - 1
		ea := x.spec.EA(place)
		if r.IntN(4) == 0 {
			_, err := c.MadviseCold(context.Background(), x.parent, x.spec.Range(0, place))
			if err != nil && !errors.Is(err, mm.ErrUnsupported) {
				return err
			}
		}
		stamp := x.m.NewStamp()
		x.begun[place].Store(stamp)
		if err := c.Store(x.parent, ea, stamp); err != nil {
			return err
		}
		x.stored[place].Store(stamp)
		got, err := c.Load(x.parent, ea)
		if err != nil {
			return err
		}
		if got != stamp {
			return fmt.Errorf("%w: place %d: stored %d, read %d", ErrSnapshot, place, stamp, got)
		}
	}
	return nil
}
