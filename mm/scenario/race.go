package scenario

import (
	"github.com/hashmmu/ppc64/mm"
	"github.com/hashmmu/ppc64/pte"
)

// race is the program that a path is explored in: the operation, an access that
// could make a second entry, and a load by a third CPU. The page starts out as
// base says, and again with its entry cast out, so that hash faults are on their
// way while the operation changes the PTE: the one finds what the other left.
func race(name string, base Scenario, op, access Task) *Scenario {
	sc := base
	sc.Name = name
	sc.Summary = op.Name + " against a " + access.Name + " and a load"
	sc.Tasks = []Task{op, access, loading(0)}
	for _, v := range base.Vary {
		sc.Vary = append(sc.Vary, castOut(v))
	}
	return &sc
}

// castOut is the variant with the hash table entries of all pages evicted, which
// no PTE is told.
func castOut(v Variant) Variant {
	before := v.Before
	v.Name += ", entry cast out"
	v.Before = func(s *Stage, c *mm.CPU) {
		s.before(c, before)
		for i := range s.pages {
			s.castOut(c, i)
		}
	}
	return v
}

// castOut evicts the entries of page i, and has the CPU that used them forget.
func (st *Stage) castOut(c *mm.CPU, i int) {
	k, t := st.Space.Key(st.EA(i)), st.Machine.Table()
	for {
		e, hint, ok := t.Lookup(k)
		if !ok {
			break
		}
		size, _ := t.Sizes().Actual(k.Base, e)
		t.Invalidate(pte.Ref{Key: k, Actual: size, Hint: hint})
	}
	c.TLB().InvalidateAll()
}

// anonymous is memory of no file with contents of its own, dirty.
var anonymous = Variant{Name: "anonymous", Before: owned}

// owned has every page hold contents of its own, as a store leaves it.
func owned(s *Stage, c *mm.CPU) {
	for i := range s.pages {
		allow(c.Store(s.Space, s.EA(i), s.Machine.NewStamp()))
	}
}

func fetching(page int) Task {
	return Task{Name: "fetch", Run: func(s *Stage, c *mm.CPU) { s.fetch(c, page) }}
}
