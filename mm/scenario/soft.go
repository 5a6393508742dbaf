package scenario

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashmmu/ppc64/batch"
	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/mm/explore"
	"github.com/hashmmu/ppc64/tlb"
)

// SoftRace is a race on a part with a software-loaded TLB, with every precaution
// in place or with one of them removed.
type SoftRace struct {
	Profile string
	Path    string // the race; see SoftPaths
	Guard   string // what is removed; GuardInPlace if nothing is
	Kernel  *mm.Kernel
	Against string  // what the kernel does against a second entry on this path
	Expect  Verdict // the documented verdict

	guards  tlb.Guards
	plain   bool // without the part's own automatic demap
	tasks   int  // on one processor
	calls   bool // cross calls are not awaited
	preload bool
}

// GuardInPlace is the guard of a race in which nothing is removed.
const GuardInPlace = "in place"

// SoftProfiles are the parts that the races are run on.
var SoftProfiles = []string{"ppc405", "ppc440", "ppc476", "ppc603", "e500v2", "e500mc", "e5500", "e6500",
	"r4000", "mips32r2", "mips64r2", "ultrasparc", "sun4v", "sparc64-tsb"}

// The guards by the names that a race gives them.
var (
	noProbe    = removal{"probe before write", tlb.Guards{NoProbe: true}}
	noDemap    = removal{"demap before load", tlb.Guards{NoDemap: true}}
	noUnique   = removal{"UNIQUE_ENTRYHI on flush", tlb.Guards{NoUnique: true}}
	noCoreLock = removal{"per-core lock", tlb.Guards{NoCoreLock: true}}
	noWay      = removal{"way of the miss", tlb.Guards{NoWay: true}}
	noDisplace = removal{"automatic demap", tlb.Guards{}}
)

// oneSlot is why a TSB needs no precaution.
const oneSlot = "the address determines the slot"

type removal struct {
	name   string
	guards tlb.Guards
}

// The races, by the path that they are about.
const (
	SoftUnmap   = "unmap-mapping-range"
	SoftFlush   = "flush-two-pages"
	SoftPreload = "preload"
	SoftFill    = "shared-fill"
	SoftStore   = "first-store"
	SoftCopy    = "cow"
	SoftHole    = "hole-punch"
	SoftMiss    = "first-load"
)

// softScenarios are what runs on each path. Tasks come in the order of CPUs.
var softScenarios = map[string]*Scenario{
	SoftUnmap: {
		Summary: "unmap_mapping_range against a store to the same page",
		Tasks:   []Task{softUnmapping(1), storing(0)},
		Vary:    twoLocks(readOnly, clean),
	},
	SoftFlush: {
		Summary: "unmap_mapping_range of two pages that a CPU has both in its TLB",
		Pages:   3, // the second one is the first one's buddy in an entry
		Tasks:   []Task{softUnmapping(3), loading(0)},
		Vary:    []Variant{clean},
	},
	SoftPreload: {
		Summary: "a page fault against loads by a task on the same processor",
		Pages:   2,
		Tasks:   []Task{loading(0), {Name: "two loads", Operations: 2, Run: func(s *Stage, c *mm.CPU) { s.load(c, 0); s.load(c, 1) }}},
		Vary: []Variant{{Name: "not mapped", Before: func(s *Stage, c *mm.CPU) {
			loadAll(s, c)
			softUnmapping(2).Run(s, c) // the file keeps them
		}}},
	},
	SoftFill: {
		Summary: "two threads of a core miss on one page",
		Pages:   2,
		Tasks:   []Task{{Name: "two loads", Operations: 2, Run: func(s *Stage, c *mm.CPU) { s.load(c, 1); s.load(c, 0) }}, loading(0)},
		Vary:    []Variant{clean},
	},
	SoftMiss: {
		Summary: "unmap_mapping_range against a load that finds the page in no TLB",
		Tasks:   []Task{softUnmapping(1), loading(0)},
		Vary:    []Variant{clean},
	},
	SoftStore: {
		Summary: "unmap_mapping_range against a load and a store of a dirty page",
		Tasks:   []Task{softUnmapping(1), {Name: "load, store", Operations: 2, Run: func(s *Stage, c *mm.CPU) { s.load(c, 0); s.storeSame(c, 0) }}},
		Vary:    []Variant{{Name: "dirty", Before: func(s *Stage, c *mm.CPU) { s.store(c, 0) }}},
	},
	SoftCopy: {
		Summary: "a load and a store that copies the private page, on one CPU",
		Private: true, Drops: true,
		Tasks: []Task{{Name: "load, store", Operations: 2, Run: func(s *Stage, c *mm.CPU) { s.load(c, 0); s.store(c, 0) }}},
		Vary:  []Variant{clean},
	},
	SoftHole: {
		Summary: "hole punching against loads of the same page",
		Drops:   true,
		Tasks: []Task{
			{Name: "punch hole", Run: func(s *Stage, c *mm.CPU) {
				s.throwAway(c, func() error {
					_, err := c.PunchHole(context.Background(), s.File, 0, 1)
					return err
				})
			}},
			{Name: "two loads", Operations: 2, Run: func(s *Stage, c *mm.CPU) { s.load(c, 0); s.load(c, 0) }},
		},
		Vary: []Variant{clean},
	},
}

// softUnmapping unmaps the first n pages of the file from everybody.
func softUnmapping(n uint64) Task {
	return Task{Name: "unmap_mapping_range", Run: func(s *Stage, c *mm.CPU) {
		_, err := c.UnmapMappingRange(context.Background(), s.File, 0, n, true)
		allow(err)
	}}
}

// SoftRaces lists the races of a part: the founding one, and for every guard the
// one that shows what it is there for.
func SoftRaces(profile string) ([]SoftRace, error) {
	p, err := tlb.ByName(profile)
	if err != nil {
		return nil, err
	}
	var out []SoftRace
	both := func(r SoftRace, removed ...removal) {
		r.Profile, r.Guard, r.Expect = profile, GuardInPlace, Proved
		if r.Against == "" {
			r.Against = "fills after a miss only"
			for _, g := range removed {
				r.Against += "; " + g.name
			}
		}
		if r.Kernel == nil {
			r.Kernel = mm.Linux61
		}
		out = append(out, r)
		for _, g := range removed {
			r.Guard, r.guards, r.Expect, r.plain = g.name, g.guards, Duplicate, g == noDisplace
			out = append(out, r)
		}
	}
	switch p.Family {
	case tlb.MIPS:
		both(SoftRace{Path: SoftUnmap}, noProbe)
		both(SoftRace{Path: SoftFlush, Against: noUnique.name}, noUnique)
	case tlb.PPC603:
		both(SoftRace{Path: SoftUnmap}, noDemap)
		both(SoftRace{Path: SoftCopy}, noDemap)
		both(SoftRace{Path: SoftStore}, noWay)
	case tlb.UltraSPARC:
		switch {
		case p.MultiHit.Write == tlb.Displace:
			both(SoftRace{Path: SoftUnmap}, noDisplace)
		case p.Sparc.TSB == 0:
			both(SoftRace{Path: SoftUnmap}, noDemap)
			both(SoftRace{Path: SoftCopy}, noDemap)
		default:
			both(SoftRace{Path: SoftUnmap, Against: oneSlot, Kernel: mm.Linux2620, calls: true})
			both(SoftRace{Path: SoftUnmap, Against: oneSlot + "; " + noDemap.name}, noDemap)
			both(SoftRace{Path: SoftHole, Against: oneSlot, Kernel: mm.Linux2620, calls: true})
			out[len(out)-1].Expect = Stale
			both(SoftRace{Path: SoftHole, Against: oneSlot + "; cross calls awaited"})
		}
	default:
		both(SoftRace{Path: SoftUnmap}, noDemap)
		both(SoftRace{Path: SoftCopy}, noDemap)
		if p.SharedBy() > 1 {
			both(SoftRace{Path: SoftFill}, noProbe, noCoreLock)
		}
		both(SoftRace{Path: SoftPreload, Against: noProbe.name, tasks: 2, preload: true}, noProbe)
	}
	both(SoftRace{Path: SoftMiss})
	return out, nil
}

// Trigger says what runs against what.
func (r *SoftRace) Trigger() string { return softScenarios[r.Path].Summary }

// Part is the profile as it is explored: with a TLB of a few entries, all in one
// set or two, so that whatever could collide does.
func (r *SoftRace) Part() (tlb.Profile, error) {
	p, err := tlb.ByName(r.Profile)
	p.MIPS.Entries, p.Sparc.Entries, p.PPC603.Entries = 4, 4, 4
	p.E500.TLB0, p.E500.TLB1 = tlb.E500Array{Entries: 4, Ways: 4}, tlb.E500Array{Entries: 4, Ways: 4}
	p.PPC4xx = tlb.PPC4xxParams{Entries: 4, Ways: 4}
	if p.Family == tlb.PPC47x {
		p.PPC4xx.Entries = 8
	}
	if r.plain {
		p.MultiHit.Write = tlb.FirstMatch
	}
	return p, err
}

// SoftResult is what a race came to.
type SoftResult struct {
	Race SoftRace
	Result
	// Collision is the second entry; nil if there was none.
	Collision *mm.Collision
}

// RunSoft explores a race. The flush comes as late as kernels let it: when the
// operation ends, outside of the PTE page lock, but for sparc64 since Linux 3.9,
// which leaves lazy MMU mode with nothing pending.
func RunSoft(ctx context.Context, r SoftRace, ex explore.Config) (SoftResult, error) {
	out := SoftResult{Race: r}
	part, err := r.Part()
	if err != nil {
		return out, err
	}
	backend, err := mm.NewSoftTLB(mm.SoftConfig{Profile: part, Guards: r.guards, Tasks: r.tasks, PostCalls: r.calls})
	if err != nil {
		return out, err
	}
	var last *mm.SoftTLB
	cfg := Config{
		Kernel: r.Kernel, Policy: batch.AtFinish(), NoPreload: !r.preload,
		Backend: func(m *mm.Machine) mm.Backend {
			b := backend(m)
			last, _ = b.(*mm.SoftTLB)
			return b
		},
	}
	if part.Sparc.TSB != 0 && !r.calls {
		cfg.Policy = batch.LazyMMU()
	}
	sc := *softScenarios[r.Path]
	sc.Name = fmt.Sprintf("%s %s, %s", r.Profile, r.Path, r.Guard)
	sc.Vary = r.vary(sc.Vary, func() { last.PowerOn() })
	out.Result, err = Run(ctx, &sc, cfg, ex)
	if err != nil || out.Verdict != Duplicate {
		return out, err
	}
	return out, r.replay(ctx, &sc, cfg, &out, func() *mm.SoftTLB { return last })
}

// vary has TLBs that would not survive the preparation, or must not know of the
// page yet, start empty.
func (r *SoftRace) vary(vary []Variant, powerOn func()) []Variant {
	if r.Path != SoftStore && r.Path != SoftFill && r.Path != SoftMiss && !r.guards.NoProbe {
		return vary
	}
	out := make([]Variant, len(vary))
	for i, v := range vary {
		before := v.Before
		if before == nil {
			before = loadAll
		}
		v.Before = func(s *Stage, c *mm.CPU) {
			before(s, c)
			powerOn()
		}
		out[i] = v
	}
	return out
}

// loadAll gives every page its PTE. A part may notice two entries on the way.
func loadAll(s *Stage, c *mm.CPU) {
	for i := range s.pages {
		if _, err := c.Load(s.Space, s.EA(i)); !errors.Is(err, mm.ErrMultiHit) {
			allow(err)
		}
	}
}

// replay runs the bad schedule once more, to see what the second entry comes to.
func (r *SoftRace) replay(ctx context.Context, sc *Scenario, cfg Config, out *SoftResult, backend func() *mm.SoftTLB) error {
	for _, v := range sc.Vary {
		if v.Name != out.Variant {
			continue
		}
		if _, err := RunVariant(ctx, sc, v, cfg, explore.Config{Replay: out.Report.Failure.Schedule}); err != nil {
			return err
		}
		c, ok := backend().Collision()
		if !ok {
			return fmt.Errorf("scenario: %s: the replay has no second entry", sc.Name)
		}
		out.Collision = &c
	}
	return nil
}
