package mmtest

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/pte"
)

// countdown is a context that is done when it has been asked n times.
type countdown struct {
	context.Context
	n int
}

func (c *countdown) Err() error {
	if c.n--; c.n < 0 {
		return context.Canceled
	}
	return nil
}

// rangePaths are the range operations. Each leaves a page that it has dealt with
// in a state that done recognises.
var rangePaths = []struct {
	name string
	run  func(p *prefix, ctx context.Context, r mm.Range) (mm.Result, error)
	done func(p *prefix, ea pte.EA) bool
}{
	{"zap_page_range", func(p *prefix, ctx context.Context, r mm.Range) (mm.Result, error) {
		return p.c.ZapPageRange(ctx, p.as, r)
	}, (*prefix).none},
	{"MADV_DONTNEED", func(p *prefix, ctx context.Context, r mm.Range) (mm.Result, error) {
		return p.c.MadviseDontNeed(ctx, p.as, r)
	}, (*prefix).none},
	{"munmap", func(p *prefix, ctx context.Context, r mm.Range) (mm.Result, error) {
		return p.c.Unmap(ctx, p.as, r)
	}, (*prefix).unmapped},
	{"mprotect", func(p *prefix, ctx context.Context, r mm.Range) (mm.Result, error) {
		return p.c.Protect(ctx, p.as, r, pte.Read)
	}, (*prefix).readOnly},
	{"unmap_mapping_range", func(p *prefix, ctx context.Context, r mm.Range) (mm.Result, error) {
		return p.c.UnmapMappingRange(ctx, p.file, p.spec.FileIndex(0), p.spec.FileIndex(Places), true)
	}, (*prefix).none},
}

// prefix is a machine on which a range operation is cancelled.
type prefix struct {
	spec   Spec
	m      *mm.Machine
	c      *mm.CPU
	as     *mm.AddressSpace
	file   *mm.Mapping
	free   func() error
	stamps [Places]uint64
}

func newPrefix(s Spec) (*prefix, error) {
	s.CPUs, s.Frames = 2, 2*Places+2
	m, spaces, free, err := s.New(1)
	if err != nil {
		return nil, err
	}
	p := &prefix{spec: s, m: m, c: m.CPU(0), as: spaces[0], free: free, file: m.NewMapping(FilePages, false)}
	v := mm.VMA{Range: s.Range(0, Places-1), Prot: pte.Read | pte.Write, Shared: true, File: p.file}
	if err := p.c.Map(p.as, v); err != nil {
		return nil, err
	}
	for i := range p.stamps {
		p.stamps[i] = m.NewStamp()
		if err := m.CPU(1).Store(p.as, s.EA(i), p.stamps[i]); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (p *prefix) none(ea pte.EA) bool { return p.as.PTE(ea) == 0 }

func (p *prefix) unmapped(ea pte.EA) bool {
	_, err := p.c.Load(p.as, ea)
	return errors.Is(err, mm.ErrNoVMA)
}

func (p *prefix) readOnly(ea pte.EA) bool {
	err := p.c.Store(p.as, ea, p.m.NewStamp())
	return errors.Is(err, mm.ErrProtected)
}

// CancelledIsPrefix checks M5: each range operation, cancelled before each PTE
// page, has done everything below Next and nothing from it on, leaves the
// machine consistent, and comes to the same end when it is resumed at Next.
func CancelledIsPrefix(s Spec) error {
	for _, path := range rangePaths {
		for n, more := 0, true; more; n++ {
			var err error
			if more, err = cancelAfter(s, n, path.run, path.done); err != nil {
				return fmt.Errorf("%s, cancelled after %d steps: %w", path.name, n, err)
			}
			if n > 4 {
				n += 6 // most of the range has no PTE page
			}
		}
	}
	return nil
}

func cancelAfter(s Spec, n int, run func(*prefix, context.Context, mm.Range) (mm.Result, error), done func(*prefix, pte.EA) bool) (more bool, err error) {
	p, err := newPrefix(s)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, p.free()) }()
	r := s.Range(0, Places-1)
	res, err := run(p, &countdown{context.Background(), n}, r)
	if more = errors.Is(err, context.Canceled); more != (res.Next < r.End) {
		return false, fmt.Errorf("%v, but Next is %v", err, res.Next)
	}
	if err := p.check(res.Next, done); err != nil {
		return false, err
	}
	if more {
		if res, err = run(p, context.Background(), mm.Range{Start: res.Next, End: r.End}); err != nil {
			return false, fmt.Errorf("resumed: %w", err)
		}
		err = p.check(res.Next, done)
	}
	return more, err
}

// check verifies that the places below next are done and the others are not.
func (p *prefix) check(next pte.EA, done func(*prefix, pte.EA) bool) error {
	if err := p.m.Check(); err != nil {
		return err
	}
	if n := p.c.Batch().Len(); n > 0 {
		return fmt.Errorf("%d entries pending", n)
	}
	for i, want := range p.stamps {
		ea := p.spec.EA(i)
		if ea >= next {
			got, err := p.c.Load(p.as, ea)
			if err != nil {
				return fmt.Errorf("%v, beyond %v: %w", ea, next, err)
			}
			if got != want {
				return fmt.Errorf("%v, beyond %v: %#x has become %#x", ea, next, want, got)
			}
		}
		if done(p, ea) != (ea < next) {
			return fmt.Errorf("%v: done %t, and Next is %v", ea, ea >= next, next)
		}
	}
	return nil
}
